// Draws every [data-chart] with the inks of the CSS tokens; again when the theme changes and when htmx brings new ones.
(() => {
  "use strict";
  const probe = document.createElement("span");
  probe.hidden = true;
  document.documentElement.append(probe);

  // A custom property may hold light-dark(); only a computed colour is a colour.
  const ink = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  const dressed = (figure) => {
    const text = ink("chart-axis");
    const font = { family: token("font"), size: 11, color: text };
    const data = figure.data.map((trace) => {
      const colour = ink(trace.meta.ink);
      return trace.type === "bar"
        ? { ...trace, marker: { ...trace.marker, color: colour, line: { width: 0 } } }
        : { ...trace, line: { ...trace.line, color: colour }, marker: { ...trace.marker, color: colour } };
    });
    const axis = { gridcolor: ink("chart-grid"), linecolor: ink("border-strong"), tickcolor: ink("border-strong"), zerolinecolor: ink("chart-grid") };
    const layout = {
      ...figure.layout,
      font,
      paper_bgcolor: "transparent",
      plot_bgcolor: "transparent",
      xaxis: { ...figure.layout.xaxis, ...axis, showline: true },
      yaxis: { ...figure.layout.yaxis, ...axis },
      hoverlabel: { bgcolor: ink("raised"), bordercolor: ink("border-strong"), font: { ...font, size: 12, color: ink("text") } },
      autosize: true,
      transition: { duration: 0 },
    };
    return { data, layout };
  };

  const config = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false, showTips: false };

  // With a size the plot is made anew: it is there when the call returns, where a change comes some time later, and a
  // printer does not wait.
  const draw = async (element, size) => {
    const source = document.getElementById(element.dataset.chart);
    if (!source || !window.Plotly) return;
    const { data, layout } = dressed(JSON.parse(source.textContent));
    for (const button of document.querySelectorAll(`[data-legend-of="${element.dataset.chart}"] [aria-pressed="false"]`)) {
      data[Number(button.dataset.series)].visible = false;
    }
    if (size) await Plotly.newPlot(element, data, { ...layout, ...size }, config);
    else await Plotly.react(element, data, layout, config);
    element.dataset.drawn = "true";
    // The drawing is for the eye; the table beneath it is for everybody.
    element.querySelector(".plot-container")?.setAttribute("aria-hidden", "true");
  };
  const drawAll = (within) => {
    for (const element of within.querySelectorAll("[data-chart]")) draw(element);
  };

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-series]") : null;
    if (!button) return;
    const element = document.querySelector(`[data-chart="${button.closest("[data-legend-of]").dataset.legendOf}"]`);
    if (!element?.data) return;
    const shown = button.getAttribute("aria-pressed") === "true";
    button.setAttribute("aria-pressed", String(!shown));
    Plotly.restyle(element, { visible: !shown }, [Number(button.dataset.series)]);
  });

  document.addEventListener("htmx:beforeCleanupElement", (event) => {
    const element = event.target;
    if (element instanceof Element && element.matches("[data-chart][data-drawn]")) Plotly.purge(element);
  });
  document.addEventListener("htmx:load", (event) => {
    for (const element of event.detail.elt.querySelectorAll("[data-chart]:not([data-drawn])")) draw(element);
  });
  document.addEventListener("spanmeter:theme", () => drawAll(document));

  // Paper is white and narrower than most screens: letters keep their size, and print.css fits the drawing to its card.
  const PAPER = 680;
  addEventListener("beforeprint", () => {
    const { theme } = document.documentElement.dataset;
    document.documentElement.dataset.theme = "light";
    for (const element of document.querySelectorAll("[data-chart][data-drawn]")) {
      const height = element.clientHeight;
      draw(element, { autosize: false, width: PAPER, height });
      for (const svg of element.querySelectorAll(".main-svg")) svg.setAttribute("viewBox", `0 0 ${PAPER} ${height}`);
    }
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  });
  addEventListener("afterprint", () => {
    for (const element of document.querySelectorAll("[data-chart][data-drawn]")) draw(element, { autosize: true });
  });
  drawAll(document);
})();
