// What every page does: theme, menus, dialogs, copying, following a live list. Keys are in keys.js, charts in charts.js.
(() => {
  "use strict";
  const root = document.documentElement;

  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

  const toggleTheme = () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("spanmeter-theme", root.dataset.theme);
    } catch {
      // The choice then lasts as long as the page.
    }
    document.dispatchEvent(new CustomEvent("spanmeter:theme"));
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    document.dispatchEvent(new CustomEvent("spanmeter:theme")),
  );

  const copy = async (button) => {
    const source = document.querySelector(button.dataset.copy);
    if (!source) return;
    const label = button.querySelector("[data-label]") || button;
    const before = label.textContent;
    try {
      await navigator.clipboard.writeText(source.textContent);
      label.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      label.textContent = "Selected";
    }
    setTimeout(() => { label.textContent = before; }, 1600);
  };

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    if (target.closest("[data-theme-toggle]")) toggleTheme();
    const copier = target.closest("[data-copy]");
    if (copier) copy(copier);
    const opener = target.closest("[data-open]");
    if (opener) document.querySelector(opener.dataset.open)?.showModal();
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(target)) menu.open = false;
    }
    if (target instanceof HTMLDialogElement) target.close();
    const row = target.closest("tr[data-href]");
    if (row && !target.closest("a, button, input, label, summary") && !String(getSelection())) {
      row.querySelector("a[data-row]")?.click();
    }
  });

  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field instanceof Element && field.matches("[data-submit]")) field.form?.requestSubmit();
  });

  // Empty fields stay out of the address, so that links stay short.
  document.addEventListener("formdata", (event) => {
    if (!event.target.matches("form[method='get']")) return;
    for (const [name, value] of [...event.formData.entries()]) if (value === "") event.formData.delete(name);
  });
  document.addEventListener("htmx:configRequest", (event) => {
    const { parameters, verb } = event.detail;
    if (verb !== "get") return;
    for (const name of Object.keys(parameters)) if (parameters[name] === "") delete parameters[name];
  });

  // A hidden tab asks for nothing; an open menu or a focused row is not pulled away by a live refresh.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const list = event.detail.elt;
    if (list.matches?.("[data-poll]") && document.hidden) event.preventDefault();
  });
  let focused = null;
  document.addEventListener("htmx:beforeSwap", () => {
    focused = document.activeElement?.id || null;
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus({ preventScroll: true });
    focused = null;
  });
  // The chosen span stays marked in the list when only its panel was replaced.
  document.addEventListener("htmx:load", (event) => {
    const panel = event.detail.elt;
    if (panel.id !== "span-panel" || !panel.dataset.span) return;
    for (const link of document.querySelectorAll("[data-span-link]")) {
      if (link.dataset.spanLink === panel.dataset.span) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  });
  // An error answer is shown as its own page rather than lost.
  document.addEventListener("htmx:responseError", (event) => {
    const note = document.querySelector("[data-request-error]");
    if (note) {
      note.hidden = false;
      note.querySelector("[data-status]").textContent = String(event.detail.xhr.status);
    }
  });
  document.addEventListener("htmx:afterOnLoad", (event) => {
    const note = document.querySelector("[data-request-error]");
    if (note && event.detail.successful) note.hidden = true;
  });

  window.spanmeter = { toggleTheme };
})();
