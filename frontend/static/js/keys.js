// The keyboard: / search, j k rows, ← → folding, g o / g t / g l / g d, Esc, ?. Silent while typing.
(() => {
  "use strict";
  const typing = (element) => element instanceof Element && element.matches("input, textarea, select, [contenteditable]");
  const shown = (element) => element.offsetParent !== null || element.getClientRects().length > 0;
  const rows = () => [...document.querySelectorAll("[data-row]")].filter(shown);
  let prefix = 0;

  const move = (step) => {
    const all = rows();
    if (!all.length) return false;
    const at = all.indexOf(document.activeElement);
    const current = at < 0 ? all.findIndex((row) => row.getAttribute("aria-current") === "true") : at;
    const next = current < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, current + step));
    all[next].focus();
    all[next].scrollIntoView({ block: "nearest" });
    return true;
  };

  const fold = (item, closed) => {
    const button = item?.querySelector("[data-fold]");
    if (!button || (button.getAttribute("aria-expanded") === "false") === closed) return false;
    button.setAttribute("aria-expanded", String(!closed));
    const depth = Number(item.dataset.depth);
    let hideBelow = Infinity;
    for (let next = item.nextElementSibling; next && Number(next.dataset.depth) > depth; next = next.nextElementSibling) {
      const level = Number(next.dataset.depth);
      if (level <= hideBelow) hideBelow = Infinity;
      next.hidden = closed || level > hideBelow;
      if (!next.hidden && hideBelow === Infinity && next.querySelector("[data-fold][aria-expanded='false']")) hideBelow = level;
    }
    return true;
  };
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-fold]") : null;
    if (button) fold(button.closest("[data-depth]"), button.getAttribute("aria-expanded") === "true");
  });

  const follow = (name) => {
    const link = document.querySelector(`[data-go="${name}"]`);
    if (link) link.click();
    return Boolean(link);
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const focus = document.activeElement;
    if (event.key === "Escape") {
      const open = document.querySelector("details[data-menu][open]");
      if (open) {
        open.open = false;
        open.querySelector("summary").focus();
      } else if (typing(focus)) {
        focus.blur();
      } else if (!document.querySelector("dialog[open]")) {
        document.querySelector("[data-escape]")?.click();
      }
      return;
    }
    if (typing(focus) || document.querySelector("dialog[open]")) return;
    if (prefix && Date.now() - prefix < 1200) {
      prefix = 0;
      const done = { o: () => follow("overview"), t: () => follow("traces"), s: () => follow("scores"), l: () => follow("ledger"), d: () => (window.spanmeter.toggleTheme(), true) }[event.key]?.();
      if (done) event.preventDefault();
      return;
    }
    const inRow = focus instanceof Element && focus.matches("[data-row]");
    let done = false;
    if (event.key === "/") {
      const field = document.querySelector("[data-search]");
      field?.focus();
      field?.select();
      done = Boolean(field);
    } else if (event.key === "j" || (event.key === "ArrowDown" && inRow)) done = move(1);
    else if (event.key === "k" || (event.key === "ArrowUp" && inRow)) done = move(-1);
    else if (event.key === "ArrowLeft" && inRow) done = fold(focus.closest("[data-depth]"), true);
    else if (event.key === "ArrowRight" && inRow) done = fold(focus.closest("[data-depth]"), false);
    else if (event.key === "g") prefix = Date.now();
    else if (event.key === "?") {
      document.getElementById("shortcuts")?.showModal();
      done = true;
    }
    if (done) event.preventDefault();
  });
})();
