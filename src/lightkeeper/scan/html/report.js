"use strict";
(() => {
  const PAGE = 100;
  const STRENGTHS = ["no", "weak", "moderate", "moderately strong", "strong", "very strong", "extremely strong"];
  const SIGNS = { generated: "◆", "ai-edited": "◈", captured: "●", undetermined: "○", error: "×" };
  const byId = (id) => document.getElementById(id);
  const shared = JSON.parse(byId("shared").textContent);
  const files = [];
  for (const block of document.querySelectorAll("script.rows")) {
    files.push(...JSON.parse(block.textContent));
    block.remove();
  }
  // What all names begin with is said once, above the list.
  const shorter = (folder, file) => {
    while (folder && !file.startsWith(folder)) folder = folder.slice(0, folder.lastIndexOf("/", folder.length - 2) + 1);
    return folder;
  };
  const folderOf = (name) => name.slice(0, name.lastIndexOf("/") + 1);
  const root = files.length > 1 ? files.reduce((folder, { file }) => shorter(folder, file), folderOf(files[0].file)) : "";
  files.forEach((file, index) => {
    file.index = index;
    file.rank = file.strength ? STRENGTHS.indexOf(file.strength.replace(/ support$/, "")) : -1;
  });

  // Text of files is written as text only, never parsed as markup.
  const make = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  };

  const searchable = (file) => {
    if (file.haystack === undefined) {
      const parts = [file.file, file.origin, ...(file.traces || []), ...(file.notes || [])];
      for (const conflict of file.conflicts || []) parts.push(conflict.code);
      if (file.error) parts.push(file.error.code);
      for (const finding of file.findings || []) {
        parts.push(finding.claim, finding.basis, finding.source, finding.summary);
        for (const pair of finding.values || []) parts.push(pair[1]);
      }
      file.haystack = parts.join("\n").toLowerCase();
    }
    return file.haystack;
  };

  const state = { query: "", origins: new Set(), conflicts: false, order: "scan", page: 0 };
  let found = files;

  const ORDERS = {
    scan: (a, b) => a.index - b.index,
    priority: (a, b) => (b.priority ?? -1) - (a.priority ?? -1) || a.index - b.index,
    strength: (a, b) => b.rank - a.rank || a.index - b.index,
    file: (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.index - b.index),
  };

  const apply = () => {
    const words = state.query.toLowerCase().split(/\s+/).filter(Boolean);
    found = files.filter((file) =>
      (state.origins.size === 0 || state.origins.has(file.origin)) &&
      (!state.conflicts || file.conflicts) &&
      words.every((word) => searchable(file).includes(word)));
    if (state.order !== "scan") found.sort(ORDERS[state.order]);
    state.page = 0;
    draw();
  };

  const draw = () => {
    const first = state.page * PAGE;
    const shown = found.slice(first, first + PAGE);
    byId("rows").replaceChildren(...shown.map(row));
    byId("found").textContent = found.length === files.length
      ? `${files.length.toLocaleString("en")} ${files.length === 1 ? "file" : "files"}${root ? ` in ${root}` : ""}`
      : `${found.length.toLocaleString("en")} of ${files.length.toLocaleString("en")} files`;
    const pages = Math.ceil(found.length / PAGE);
    byId("pages").hidden = pages < 2;
    byId("page").textContent = `Page ${state.page + 1} of ${pages}`;
    byId("previous").disabled = state.page === 0;
    byId("next").disabled = state.page >= pages - 1;
  };

  const turn = (by) => {
    const pages = Math.ceil(found.length / PAGE);
    const page = Math.min(Math.max(state.page + by, 0), Math.max(pages - 1, 0));
    if (page === state.page) return;
    state.page = page;
    draw();
    byId("rows").querySelector("button")?.focus();
  };

  const row = (file) => {
    const folder = folderOf(file.file);
    const name = make("span", { class: "name", title: file.file },
      make("span", { class: "base" }, file.file.slice(folder.length)),
      make("span", { class: "folder" }, folder.slice(root.length).replace(/\/$/, "")));
    const origin = make("span", { class: "origin", "data-sign": SIGNS[file.origin] || "" }, file.origin);
    const words = make("span", { class: "words" });
    if (file.conflicts) words.append(make("span", { class: "flag" }, "⚠ conflict "), " ");
    words.append((file.traces || []).join(", ") || "no traces");
    const button = make("button", { type: "button", "aria-expanded": "false" }, name, origin, meter(file), words);
    const item = make("li", { class: `row t-${file.origin}` }, button);
    button.addEventListener("click", () => toggle(item, button, file));
    return item;
  };

  const meter = (file) => {
    const node = make("span", { class: "meter" });
    if (file.rank < 1) return node;
    node.setAttribute("role", "img");
    node.setAttribute("aria-label", file.strength);
    node.setAttribute("title", file.strength);
    for (let step = 1; step <= 6; step += 1) node.append(make("i", step <= file.rank ? { class: "on" } : {}));
    return node;
  };

  const toggle = (item, button, file) => {
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    if (open) item.lastElementChild.remove();
    else item.append(evidence(file));
  };

  const list = (items) => make("ul", {}, ...items.map((text) => make("li", {}, text)));
  const sentences = (indices) => (indices || []).map((index) => shared.sentences[index]);

  const evidence = (file) => {
    const main = make("div");
    const side = make("div", { class: "facts" });
    main.append(conclusion(file));
    for (const words of sentences(file.generator)) main.append(make("p", {}, words));
    for (const conflict of file.conflicts || []) {
      main.append(make("p", { class: "conflict" }, make("b", {}, "Conflict. "),
        shared.sentences[conflict.summary] + " ", refer(conflict.findings)));
    }
    for (const note of file.notes || []) main.append(make("p", { class: "trouble" }, note));
    if (file.findings) {
      main.append(make("h3", {}, "Findings"));
      file.findings.forEach((finding, index) => main.append(card(finding, index)));
      if (file.more) main.append(make("p", { class: "meta" }, `${file.more} further findings are in the other outputs.`));
    }
    if (file.thumbnail) side.append(picture(file));
    side.append(make("h3", {}, "File"));
    const facts = make("dl");
    for (const [label, value] of file.facts || []) {
      facts.append(make("dt", {}, label), make("dd", value.length > 60 ? { class: "hash" } : {}, value));
    }
    side.append(facts);
    if (file.reasons) side.append(make("h3", {}, `Priority ${file.priority} of 100`), list(sentences(file.reasons)));
    if (file.unexamined) side.append(make("h3", {}, "Not examined"), list(sentences(file.unexamined)));
    return make("div", { class: "evidence" }, main, side);
  };

  const conclusion = (file) => {
    if (file.error) {
      return make("p", { class: "trouble conclusion" }, `Could not be examined: ${file.error.message} (${file.error.code})`);
    }
    if (file.origin === "undetermined") {
      return make("p", { class: "conclusion" }, make("strong", {}, "Undetermined."),
        file.findings ? " No weighed evidence prevails." : " Nothing that was looked for is there.");
    }
    return make("p", { class: "conclusion" }, make("strong", {}, `${file.strength[0].toUpperCase()}${file.strength.slice(1)}`),
      ` for ${file.origin} (log₁₀ likelihood ratio ${file.lr}).`);
  };

  const refer = (indices) => indices.map((index) => `[${index + 1}]`).join(" ");
  const small = (number) => (number !== 0 && Math.abs(number) < 1e-3 ? number.toExponential(1) : String(Number(number.toPrecision(3))));

  const card = (finding, index) => {
    const counted = finding.weight?.counted;
    const node = make("div", { class: counted ? "finding carries" : "finding" });
    node.append(make("p", {}, `[${index + 1}] ${finding.summary}`));
    node.append(make("p", { class: "meta" }, make("span", { class: "tag" }, finding.basis), ` ${finding.claim}, from ${finding.source}, seen by ${finding.examiner}`));
    if (finding.p_value !== undefined) {
      let text = `p = ${small(finding.p_value)} after correction for ${(finding.tests || 1).toLocaleString("en")} tests`;
      if (finding.null_size) text += `; null sample of ${finding.null_size.toLocaleString("en")} pictures`;
      node.append(make("p", { class: "meta" }, text + "."));
    }
    node.append(make("p", { class: "meta" }, weighed(finding.weight)));
    for (const code of finding.limits || []) {
      node.append(make("p", { class: "limits" }, `Limit: ${shared.limits[code] || code}`));
    }
    if (finding.map) node.append(map(finding.map));
    for (const [label, text] of finding.prompts || []) {
      node.append(make("details", {}, make("summary", {}, `Show: ${label}`), make("blockquote", {}, text)));
    }
    if (finding.values) {
      const values = make("dl");
      for (const [label, value] of finding.values) values.append(make("dt", {}, label), make("dd", {}, value));
      node.append(make("details", {}, make("summary", {}, "Show: particulars"), values));
    }
    return node;
  };

  // As the parser knows it: no address stands in a report, not even this one.
  const vector = new DOMParser().parseFromString("<svg></svg>", "text/html").body.firstChild.namespaceURI;

  // Grey cells and nothing of the picture: evidence comes before pixels.
  const map = ({ columns, rows, paths, frame, words }) => {
    const shape = (name, attributes) => {
      const node = document.createElementNS(vector, name);
      for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
      return node;
    };
    const svg = shape("svg", { class: "map", viewBox: `0 0 ${columns} ${rows}`, role: "img", "aria-label": words });
    for (const [opacity, d] of paths) svg.append(shape("path", { d, "fill-opacity": opacity }));
    if (frame) svg.append(shape("rect", { class: "part", x: frame[0], y: frame[1], width: frame[2], height: frame[3] }));
    return make("figure", { class: "map" }, svg, make("figcaption", {}, `${words} Fuller tone: more surprising.${frame ? " The outline is the part that the finding names." : ""}`));
  };

  const weighed = (weight) => {
    if (!weight) return "Not weighed: it supports no origin, or nothing calibrates it.";
    if (!weight.counted) return "Not counted: another finding of the same witness speaks for it already.";
    return `Weight ${weight.lr > 0 ? "+" : ""}${weight.lr} for ${weight.supports}. ${shared.sentences[weight.reason]}`;
  };

  const picture = (file) => {
    const image = make("img", { alt: "", src: `data:image/jpeg;base64,${file.thumbnail}` });
    const veil = make("button", { type: "button", class: "veil", "aria-pressed": "false", "aria-label": "Show the picture" }, image);
    const words = make("p", {}, "Blurred. Select it to see it.");
    veil.addEventListener("click", () => {
      const shown = veil.getAttribute("aria-pressed") !== "true";
      veil.setAttribute("aria-pressed", String(shown));
      words.textContent = shown ? "Select it to blur it." : "Blurred. Select it to see it.";
    });
    return make("div", { class: "picture" }, veil, words);
  };

  const counts = {};
  for (const file of files) counts[file.origin] = (counts[file.origin] || 0) + 1;
  for (const origin of Object.keys(SIGNS).filter((name) => counts[name])) {
    const chip = make("button", { type: "button", class: `t-${origin}`, "aria-pressed": "false" },
      `${SIGNS[origin]} ${origin} ${counts[origin].toLocaleString("en")}`);
    chip.dataset.origin = origin;
    chip.addEventListener("click", () => {
      const on = !state.origins.delete(origin);
      if (on) state.origins.add(origin);
      chip.setAttribute("aria-pressed", String(on));
      apply();
    });
    byId("origins").append(chip);
  }

  let pending = 0;
  byId("query").addEventListener("input", (event) => {
    clearTimeout(pending);
    pending = setTimeout(() => { state.query = event.target.value; apply(); }, 80);
  });
  byId("filter").addEventListener("submit", (event) => event.preventDefault());
  byId("conflicts").addEventListener("change", (event) => { state.conflicts = event.target.checked; apply(); });
  byId("order").addEventListener("change", (event) => { state.order = event.target.value; apply(); });
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));

  const theme = byId("theme");
  const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const label = () => { theme.setAttribute("aria-pressed", String(dark())); };
  theme.addEventListener("click", () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; label(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", label);
  label();

  const help = byId("help");
  byId("help-open").addEventListener("click", () => help.showModal());

  const step = (by) => {
    const buttons = [...document.querySelectorAll(".row > button")];
    const current = buttons.findIndex((button) => button.parentElement.contains(document.activeElement));
    const next = current < 0 ? (by > 0 ? 0 : -1) : current + by;
    buttons[Math.min(Math.max(next, 0), buttons.length - 1)]?.focus();
  };
  const clear = () => {
    byId("query").value = state.query = "";
    apply();
  };
  const KEYS = {
    j: () => step(1), k: () => step(-1), n: () => turn(1), p: () => turn(-1),
    c: () => byId("conflicts").click(),
    "/": () => byId("query").focus(),
    "?": () => help.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || help.open) return;
    const typing = event.target.matches("input[type=search], select, textarea");
    if (event.key === "Escape" && event.target === byId("query")) {
      clear();
      byId("rows").querySelector("button")?.focus();
      event.preventDefault();
    } else if (!typing && Object.hasOwn(KEYS, event.key)) {
      KEYS[event.key]();
      event.preventDefault();
    }
  });

  apply();
})();
