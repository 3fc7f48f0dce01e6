// Runs before the first paint, so that a stored choice of theme never flashes the other one.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const stored = localStorage.getItem("spanmeter-theme");
    if (stored === "light" || stored === "dark") root.dataset.theme = stored;
  } catch {
    // Storage may be forbidden; the system's preference then decides.
  }
})();
