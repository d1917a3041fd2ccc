from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image

from lightkeeper.evidence.provenance import SoftBinding, Trust
from lightkeeper.evidence.provenance._adapter import Credentials, write_manifest
from lightkeeper.labelling import SourceType, sign_generated
from lightkeeper.media import open_media
from lightkeeper.testing import photo_like, signing_credentials

Draw = Callable[..., bytes]
Sign = Callable[..., bytes]


@pytest.fixture(scope="session")
def trust() -> Trust:
    return Trust(anchors=signing_credentials().anchors_pem)


@pytest.fixture(scope="session")
def draw() -> Draw:
    def make(form: str = "JPEG", *, seed: int = 1, **options: object) -> bytes:
        buffer = io.BytesIO()
        picture = Image.fromarray(photo_like(seed, width=64, height=48))
        picture.save(buffer, form, **options)
        return buffer.getvalue()

    return make


@pytest.fixture(scope="session")
def sign() -> Sign:
    def make(
        content: bytes,
        *,
        signer: str = "A",
        source_type: SourceType = SourceType.GENERATED,
        soft_binding: SoftBinding | None = None,
        parent: bytes | None = None,
    ) -> bytes:
        credentials = signing_credentials(signer)
        return sign_generated(
            open_media(content),
            certificate_chain_pem=credentials.chain_pem,
            private_key_pem=credentials.key_pem,
            generator="Umbrella painter",
            generator_version="1.2",
            source_type=source_type,
            soft_binding=soft_binding,
            parent=open_media(parent) if parent else None,
        ).content

    return make


@pytest.fixture(scope="session")
def signed(draw: Draw, sign: Sign) -> bytes:
    """A JPEG whose manifest says that it was generated."""
    return sign(draw(), soft_binding=SoftBinding("com.example.mark.1", "c0ffee"))


@pytest.fixture(scope="session")
def captured(draw: Draw) -> bytes:
    """A JPEG that a device of signer A says it captured."""
    credentials = signing_credentials()
    source = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
    actions = [{"action": "c2pa.created", "digitalSourceType": source}]
    return write_manifest(
        draw(seed=8),
        "image/jpeg",
        {
            "claim_generator_info": [{"name": "Bicycle camera"}],
            "assertions": [
                {"label": "c2pa.actions", "data": {"actions": actions}, "created": True}
            ],
        },
        credentials=Credentials(
            credentials.chain_pem.encode(), credentials.key_pem.encode(), "es256"
        ),
    ).content


def provenance_xmp(address: str) -> bytes:
    """An XMP packet that names a manifest."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{address}"/>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


@pytest.fixture(scope="session")
def naming(draw: Draw) -> Callable[[str], bytes]:
    """A JPEG whose XMP names a manifest at an address."""
    return lambda address: draw(xmp=provenance_xmp(address))
