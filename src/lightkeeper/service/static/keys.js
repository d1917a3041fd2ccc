// Keys, dialogs and focus. Everything that a key does, a link or a button on the page does too.
(() => {
  const keys = JSON.parse(document.body.dataset.keys || "{}");
  const acts = Object.fromEntries(Object.entries(keys).filter(([, k]) => k).map(([a, k]) => [k, a]));
  const open = (id) => {
    const dialog = document.getElementById(id);
    if (!dialog || dialog.open || document.querySelector("dialog[open]")) return;
    dialog.showModal();
    dialog.querySelector("[data-first]")?.focus(); // a long dialog begins at its top
  };
  for (const button of document.querySelectorAll("[data-open]")) {
    button.hidden = false;
    button.addEventListener("click", () => open(button.dataset.open));
  }
  for (const button of document.querySelectorAll("[data-close]"))
    button.addEventListener("click", () => button.closest("dialog").close());
  if (document.querySelector("dialog[data-now]")) open("break-dialog");
  const problem = document.querySelector("[data-focus]");
  if (problem) problem.focus();

  const writes = (node) => node.matches(
    'textarea, select, [contenteditable], input:not([type="checkbox"], [type="radio"])');
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const current = () => document.activeElement.closest("[data-row], .case, [data-panel]");
  let last = null;
  document.addEventListener("focusin", (event) => {
    last = event.target.closest("[data-panel]") || last;
  });
  const panel = () => document.activeElement.closest("[data-panel]") || last
    || document.querySelector("[data-panel]");
  const move = (step) => {
    const all = rows();
    const here = current();
    const at = all.findIndex((row) => row === here || (here && here.contains(row)));
    const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step];
    if (next) next.focus();
  };
  const act = (name) => {
    if (name === "next" || name === "previous") return move(name === "next" ? 1 : -1);
    if (name === "open") {
      const link = current() && (current().matches("a") ? current() : current().querySelector("a"));
      return link && link.click();
    }
    if (name === "preview") return panel()?.querySelector("[data-preview]")?.click();
    if (name === "texts") {
      const texts = [...(panel() || document).querySelectorAll("details[data-texts]")];
      const show = texts.some((one) => !one.open);
      return texts.forEach((one) => { one.open = show; });
    }
    if (name.startsWith("class-")) {
      const choice = panel()?.querySelector(`[data-class="${name.slice(6)}"]`);
      if (choice) { choice.focus(); choice.click(); }
      return choice;
    }
    const target = document.querySelector(`[data-act="${name}"]`);
    if (!target) return null;
    const fold = target.closest("details");
    if (fold) fold.open = true;
    if (target.matches("input, select, textarea")) target.focus();
    else target.click();
    return target;
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (writes(event.target) || document.querySelector("dialog[open]")) return;
    const name = acts[event.key];
    if (!name || name === "reveal") return;
    event.preventDefault();
    act(name);
  });
  window.lightkeeper = { keys, panel, writes, open };
})();
