// Charts. The page brings numbers and names (json_script); colours come from the tokens of the theme in force.
// The library is loaded when the first chart comes into view, so a page without charts in view never pays for it.
// Every chart has a sentence as its name and a table with the same numbers. See docs/ui.md for the data.
"use strict";
(() => {
  const { one, all, toast } = window.revops;
  const drawn = new Set();
  let library = null;

  const load = () => {
    library ||= new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = one('meta[name="chart-library"]').content;
      script.onload = () => done(window.Plotly);
      script.onerror = () => { library = null; failed(new Error("chart library")); };
      document.head.append(script);
    });
    return library;
  };

  /* A token's colour as the browser computes it for the theme in force. */
  const probe = document.createElement("span");
  probe.hidden = true;
  const colour = (token) => {
    if (!probe.isConnected) document.body.append(probe);
    probe.style.color = `var(--c-${token})`;
    return getComputedStyle(probe).color;
  };
  const inks = () => {
    const names = {
      accent: "chart-1", second: "chart-2", third: "chart-3", dark: "text-2", ok: "ok-mark", warn: "warn-mark",
      risk: "risk-mark", none: "none-mark", areaOk: "area-ok", areaWarn: "area-warn", areaRisk: "area-risk",
      areaNone: "area-none", softOk: "ok-soft", softWarn: "warn-soft", softRisk: "risk-soft", grid: "chart-grid",
      axis: "chart-axis", text: "text", surface: "surface", line: "line-strong", quiet: "text-3",
    };
    return Object.fromEntries(Object.entries(names).map(([name, token]) => [name, colour(token)]));
  };
  const area = { ok: "areaOk", warn: "areaWarn", risk: "areaRisk", none: "areaNone" };
  const hover = (data) => `%{y:${data.format || ",.1f"}}`;

  const traces = {
    lines: (data, ink) => data.series.map((row) => ({
      type: "scatter", mode: "lines", name: row.name, x: data.x, y: row.values, connectgaps: false,
      line: { color: ink[row.tone || "accent"], width: 2, dash: row.dash ? "dot" : "solid", shape: row.step ? "hv" : "linear" },
      hovertemplate: `${hover(data)}<extra>${row.name}</extra>`,
    })),
    stack: (data, ink) => data.series.map((row) => ({
      type: "scatter", mode: "lines", stackgroup: "one", name: row.name, x: data.x, y: row.values,
      line: { color: ink[row.tone], width: 1.5, dash: row.dash ? "dot" : "solid" },
      fillcolor: ink[area[row.tone]] || ink[row.tone],
      hovertemplate: `${hover(data)}<extra>${row.name}</extra>`,
    })),
    bars: (data, ink) => data.series.map((row) => ({
      type: "bar", name: row.name, x: data.x, y: row.values, width: 0.55,
      marker: {
        color: row.hatch ? ink[area[row.tone]] || ink[row.tone] : ink[row.tone || "accent"], cornerradius: 2,
        line: { width: 1, color: ink.surface },
        pattern: row.hatch ? { shape: "/", fgcolor: ink[row.tone], size: 5, solidity: 0.3 } : undefined,
      },
      hovertemplate: `${hover(data)}<extra>${row.name}</extra>`,
    })),
    waterfall: (data, ink) => [{
      type: "bar", x: data.x, base: data.base, y: data.values, width: 0.6, cliponaxis: false,
      marker: { color: data.tones.map((tone) => ink[tone]), cornerradius: 2 },
      text: data.labels, textposition: "outside", hoverinfo: "skip",
      textfont: { color: ink.text, size: 11, weight: 600 },
    }],
  };

  /* Where the labels at the right end stand: at their line or area, pushed apart until each has its two lines. */
  const endLabels = (data, room) => {
    const at = data.x.length - 1;
    const labels = [];
    let under = 0;
    let top = 0;
    for (const row of data.series || []) {
      const value = row.values[at] || 0;
      if (row.label) labels.push({ row, middle: data.kind === "stack" ? under + value / 2 : value });
      under += value;
      top = Math.max(top, data.kind === "stack" ? under : value);
    }
    const [low, high] = data.range || [0, top * 1.05 || 1];
    const gap = (high - low) * 29 / room;
    labels.sort((one, other) => one.middle - other.middle);
    labels.forEach((label, index) => {
      const least = index ? labels[index - 1].middle + gap : low + gap / 2;
      label.middle = Math.max(label.middle, least);
    });
    return labels;
  };

  const layout = (data, ink, room) => {
    const shapes = [];
    const notes = [];
    const [low, high] = data.range || [null, null];
    if (data.bands) {
      const edges = [low, ...data.bands, high];
      ["softRisk", "softWarn", "softOk"].forEach((tone, at) => {
        shapes.push({ type: "rect", xref: "paper", x0: 0, x1: 1, y0: edges[at], y1: edges[at + 1], layer: "below",
          line: { width: 0 }, fillcolor: ink[tone], opacity: 0.6 });
        notes.push({ xref: "paper", x: 0.01, y: (edges[at] + edges[at + 1]) / 2, xanchor: "left", showarrow: false,
          text: ["At risk", "Watch", "Healthy"][at], font: { size: 11, color: ink.axis } });
      });
    }
    for (const marker of data.markers || []) {
      shapes.push({ type: "line", x0: marker.x, x1: marker.x, yref: "paper", y0: 0, y1: 1,
        line: { width: 1, dash: "dot", color: ink.quiet } });
      notes.push({ x: marker.x, yref: "paper", y: 1, yanchor: "bottom", showarrow: false, text: marker.text,
        font: { size: 11, color: ink.text, weight: 600 }, bordercolor: ink.line, borderpad: 3, bgcolor: ink.surface });
    }
    for (const { row, middle } of endLabels(data, room)) {
      const right = { xref: "paper", x: 1.01, xanchor: "left", y: middle, showarrow: false };
      // Two notes, not one with tags in it: the library turns tags into style attributes, which the policy refuses.
      notes.push({ ...right, text: row.name, yshift: 7, font: { size: 11, color: ink.axis } });
      notes.push({ ...right, text: row.label, yshift: -7, font: { size: 11, color: ink.text, weight: 600 } });
    }
    const labelled = (data.series || []).some((row) => row.label);
    return {
      margin: { l: 44, r: labelled ? 92 : 12, t: (data.markers || []).length ? 24 : 10, b: 28 }, barmode: "stack", showlegend: false,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "x unified", dragmode: false,
      font: { family: getComputedStyle(document.body).fontFamily, size: 11, color: ink.axis },
      hoverlabel: { bgcolor: ink.surface, bordercolor: ink.line, font: { color: ink.text, size: 12 } },
      xaxis: { fixedrange: true, gridcolor: "rgba(0,0,0,0)", linecolor: ink.line, tickfont: { color: ink.axis, size: 11 },
        tickformat: data.tickformat || (data.kind === "bars" || data.kind === "waterfall" ? undefined : "%b"), hoverformat: data.kind === "bars" ? undefined : "%-d %b %Y" },
      yaxis: { fixedrange: true, rangemode: data.kind === "lines" ? "normal" : "tozero", gridcolor: ink.grid, zeroline: false, range: data.range, tickprefix: data.prefix || "",
        ticksuffix: data.suffix || "", ticks: "outside", ticklen: 5, tickcolor: "rgba(0,0,0,0)", tickformat: data.ticks, nticks: 6, separatethousands: true },
      shapes, annotations: notes,
    };
  };

  const read = (box) => JSON.parse(one(`#${box.dataset.chart}`).textContent);

  const fail = (box) => {
    showTable(box, true);
    const place = one(".chart-plot", box);
    place.hidden = true;
    toast({ text: "The chart did not load. Its numbers stand in the table.", tone: "warn" });
  };
  const draw = async (box) => {
    try {
      const Plotly = await load();
      const data = read(box);
      const ink = inks();
      await Plotly.react(one(".chart-plot", box), traces[data.kind](data, ink), layout(data, ink, one(".chart-plot", box).clientHeight - 44),
        { displayModeBar: false, responsive: true, doubleClick: false, showTips: false });
      // On a phone a chart over time is wider than the screen: it starts at its newest end.
      if (data.kind === "lines" || data.kind === "stack") {
        const scroll = one(".chart-scroll", box);
        scroll.scrollLeft = scroll.scrollWidth;
      }
      if (!drawn.has(box)) openable(box);
      drawn.add(box);
    } catch (error) {
      if (error.message === "chart library") fail(box);
      else throw error;
    }
  };

  /* A row with `links` has an address behind every point: the click opens that of the line or area under the pointer. */
  const openable = (box) => {
    const rows = read(box).series || [];
    if (!rows.some((row) => row.links)) return;
    const place = one(".chart-plot", box);
    place.classList.add("openable");
    place.on("plotly_click", ({ points, event }) => {
      const axis = points[0].yaxis;
      const at = axis.p2d(event.clientY - place.getBoundingClientRect().top - axis._offset);
      const index = points[0].pointIndex;
      const data = read(box);
      let under = 0;
      let best = null;
      for (const row of rows) {
        const value = row.values[index] || 0;
        const away = data.kind === "stack" ? Math.max(under - at, at - under - value, 0) : Math.abs(value - at);
        if (row.links && (best === null || away < best.away)) best = { away, row };
        under += value;
      }
      const link = best && best.row.links[index];
      if (link) window.location.assign(link);
    });
  };

  const cell = (tag, text, css) => {
    const element = document.createElement(tag);
    element.textContent = text;
    if (css) element.className = css;
    return element;
  };
  const asTable = (data) => {
    const table = document.createElement("table");
    table.className = "table";
    const head = table.createTHead().insertRow();
    const columns = data.kind === "waterfall" ? [{ name: data.unit || "Value", values: data.labels }] : data.series;
    head.append(cell("th", data.xname || "Date"), ...columns.map((column) => cell("th", column.name, "number")));
    const body = table.createTBody();
    const decimals = data.decimals ?? (data.prefix ? 0 : 1);
    const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    const show = (value) => (typeof value === "number" ? (data.prefix || "") + value.toLocaleString("en", digits) : value ?? "–");
    const day = (at) => (/^\d{4}-\d\d-\d\d$/.test(at)
      ? new Date(`${at}T12:00`).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" }) : at);
    data.x.forEach((at, index) => {
      const row = body.insertRow();
      row.append(cell("td", day(at)), ...columns.map((column) => {
        const shown = cell("td", column.links ? "" : show(column.values[index]), "number");
        if (column.links) {
          const link = cell("a", show(column.values[index]));
          link.href = column.links[index];
          link.setAttribute("aria-label", `${column.name}, ${day(at)}: ${show(column.values[index])}`);
          shown.append(link);
        }
        return shown;
      }));
    });
    return table;
  };
  const showTable = (box, shown) => {
    const place = one(".chart-table", box);
    if (shown && !place.childElementCount) place.append(asTable(read(box)));
    place.hidden = !shown;
    one(".chart-plot", box).hidden = shown;
    const button = one("[data-chart-table]", box);
    if (button) button.textContent = shown ? "Show as chart" : "Show as table";
    if (!shown && drawn.has(box)) window.Plotly.Plots.resize(one(".chart-plot", box));
  };

  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watcher.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "120px" });
  const find = (part) => {
    for (const box of all("[data-chart]", part)) watcher.observe(box);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-chart-table]");
    if (button) showTable(button.closest("[data-chart]"), one(".chart-table", button.closest("[data-chart]")).hidden);
  });
  document.addEventListener("theme-changed", () => {
    for (const box of drawn) box.isConnected ? draw(box) : drawn.delete(box);
  });
  document.addEventListener("htmx:load", (event) => find(event.detail.elt));
  document.addEventListener("DOMContentLoaded", () => find(document));
})();
