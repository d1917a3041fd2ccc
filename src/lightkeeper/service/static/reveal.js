// Pictures: fetched only while somebody asks, never kept, and how long they were seen is told.
(() => {
  const { keys, panel, writes, open } = window.lightkeeper;
  const token = document.body.dataset.token;
  const post = (path, fields, more = {}) => fetch(path, {
    method: "POST", body: new URLSearchParams(fields), headers: { "X-CSRF-Token": token },
    cache: "no-store", ...more,
  });
  const say = (words, where = "told") => { document.getElementById(where).textContent = words; };
  const inView = (node) => {
    const box = node.getBoundingClientRect();
    return box.height > 0 && box.top >= 0 && box.left >= 0
      && box.bottom <= window.innerHeight && box.right <= window.innerWidth;
  };
  // Less is no view of the entire contents: docs/decisions/0011. The service checks it too.
  const SEEN_MS = 1000;
  let showing = null;

  class Stage {
    constructor(box) {
      this.box = box;
      this.place = box.querySelector("[data-picture]");
      this.preview = box.querySelector("[data-preview]");
      this.clear = box.querySelector("[data-clear]");
      this.toggles = box.dataset.reveal === "toggle";
      this.preview.hidden = this.clear.hidden = false;
      this.preview.addEventListener("click", () =>
        this.shown === "obscured" ? this.hide() : this.show("obscured"));
      if (this.toggles) this.clear.addEventListener("click", () => this.toggle());
      else this.hold();
    }
    hold() {
      this.clear.addEventListener("pointerdown", (event) => {
        this.clear.setPointerCapture(event.pointerId);
        this.show("clear");
      });
      for (const name of ["pointerup", "pointercancel", "blur"])
        this.clear.addEventListener(name, () => this.release());
      this.clear.addEventListener("keydown", (event) => {
        if (event.key !== " " && event.key !== "Enter") return;
        event.preventDefault();
        if (!event.repeat) this.show("clear");
      });
      this.clear.addEventListener("keyup", (event) => {
        if (event.key === " " || event.key === "Enter") this.release();
      });
    }
    toggle() { if (this.shown === "clear") this.hide(); else this.show("clear"); }
    release() { if (this.shown === "clear") this.hide(); }
    async show(mode) {
      if (showing && showing !== this) showing.hide();
      this.hide();
      showing = this;
      this.shown = mode;
      const asked = this.asked = {};
      this.stop = new AbortController();
      this.press(mode);
      try {
        const answer = await post(`/items/${this.box.dataset.item}/pixels`, { mode },
          { signal: this.stop.signal });
        const view = answer.headers.get("Lightkeeper-View");
        if (!answer.ok) throw new Error("refused");
        const content = await answer.blob();
        if (this.asked !== asked) return;
        this.address = URL.createObjectURL(content);
        const image = new Image();
        image.alt = mode === "clear" ? "The picture, clear" : "Preview, obscured";
        image.className = mode === "clear" ? "clear" : "preview";
        image.src = this.address;
        await image.decode();
        if (this.asked !== asked) return;
        this.place.replaceChildren(image);
        if (!inView(image)) image.scrollIntoView({ block: "nearest" });
        this.view = { id: view, mode, since: performance.now(), whole: null, entire: false };
        this.look();
        say(mode === "clear" ? "Shown clearly" : "Preview shown");
      } catch (error) {
        if (this.asked !== asked || error.name === "AbortError") return;
        this.hide();
        say("The picture could not be shown.", "announce");
      }
    }
    look() {
      const view = this.view;
      const image = this.place.querySelector("img");
      if (!view || !image || view.mode !== "clear") return;
      const now = performance.now();
      if (!inView(image)) view.whole = null;
      else if (view.whole === null) view.whole = now;
      else if (now - view.whole >= SEEN_MS) view.entire = true;
      this.frame = requestAnimationFrame(() => this.look());
    }
    press(mode) {
      this.preview.setAttribute("aria-pressed", String(mode === "obscured"));
      this.clear.setAttribute("aria-pressed", String(mode === "clear"));
    }
    hide() {
      if (!this.shown) return;
      cancelAnimationFrame(this.frame);
      this.stop?.abort();
      this.asked = null;
      this.shown = null;
      this.press(null);
      const words = document.createElement("p");
      words.textContent = "Hidden";
      this.place.replaceChildren(words);
      if (this.address) URL.revokeObjectURL(this.address);
      this.address = null;
      if (this.view) this.tell(this.view);
      this.view = null;
    }
    tell(view) {
      post(`/views/${view.id}`, {
        seconds: ((performance.now() - view.since) / 1000).toFixed(2),
        entire: view.entire ? "yes" : "no",
      }, { keepalive: true }).catch(() => {});
      if (view.mode === "clear") this.rest();
    }
    rest() {
      const after = Number(this.box.dataset.neutral);
      const count = Number(sessionStorage.getItem("reveals") || 0) + 1;
      sessionStorage.setItem("reveals", String(count));
      if (!after || count % after) return;
      const image = new Image();
      image.alt = "Hills under a quiet sky";
      image.src = `/neutral/${count}`;
      document.querySelector("[data-quiet]").replaceChildren(image);
      open("quiet-dialog");
    }
  }
  const stages = new Map([...document.querySelectorAll("[data-stage]")].map((box) => [box, new Stage(box)]));
  const here = () => stages.get(panel()?.querySelector("[data-stage]"));
  let held = null;
  document.addEventListener("keydown", (event) => {
    if (!keys.reveal || event.key !== keys.reveal || event.repeat) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (writes(event.target) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    held = here();
    if (held) { if (held.toggles) held.toggle(); else held.show("clear"); }
  });
  document.addEventListener("keyup", (event) => {
    if (event.key === keys.reveal && held && !held.toggles) { held.release(); held = null; }
  });
  const away = () => showing?.hide();
  window.addEventListener("blur", away);
  window.addEventListener("pagehide", away);
  document.addEventListener("visibilitychange", () => document.hidden && away());
})();
