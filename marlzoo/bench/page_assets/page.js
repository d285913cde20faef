"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Theme: what the system says, until the reader says otherwise.
  const themes = ["system", "light", "dark"];
  const button = document.getElementById("theme");
  const remember = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* not allowed: forget */ } };
  const recall = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const setTheme = (theme) => {
    if (theme === "system") delete root.dataset.theme; else root.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
    button.dataset.now = theme;
  };
  setTheme(themes.includes(recall()) ? recall() : "system");
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(button.dataset.now) + 1) % themes.length];
    setTheme(next);
    remember(next);
  });

  // Filter: hides, and computes nothing anew.
  const form = document.getElementById("filter");
  const hidden = () => new Set(all("input[name=algorithm]:not(:checked)", form).map((box) => box.value));
  const applyFilter = () => {
    const without = hidden();
    const [kind, ...rest] = form.elements.benchmark.value.split(" ");
    const wanted = rest.join(" ");
    for (const part of all("main [data-algorithm]")) {
      part.toggleAttribute("hidden", without.has(part.dataset.algorithm) || without.has(part.dataset.other));
    }
    for (const task of all("[data-task]")) task.hidden = kind === "task" && task.dataset.task !== wanted;
    for (const suite of all("[data-suite]")) {
      const tasks = all("[data-task]", document.getElementById(suite.id) ?? linked(suite));
      suite.hidden = (kind === "suite" && suite.dataset.suite !== wanted) || tasks.every((task) => task.hidden);
    }
    const shown = all("input[name=algorithm]", form).length - without.size;
    const scope = wanted ? ` on ${wanted}` : "";
    form.querySelector(".status").textContent =
      without.size || wanted ? `Showing ${shown} of ${shown + without.size} algorithms${scope}` : "";
    all(".plot").forEach((plot) => plot.dispatchEvent(new Event("refresh")));
  };
  const linked = (item) => document.getElementById(item.querySelector("a").hash.slice(1));
  form.addEventListener("change", applyFilter);
  form.addEventListener("submit", (event) => event.preventDefault());

  // Charts: a crosshair under the pointer or the arrow keys, and the values that it meets.
  const svg = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const swatch = (look) => {
    const drawn = svg("svg", { class: "swatch", viewBox: "0 0 18 10" });
    drawn.append(svg("path", { class: `line look${look % 8}`, d: "M1 5H17" }));
    return drawn;
  };
  const setUpChart = (figure) => {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const plot = figure.querySelector(".plot");
    const drawing = plot.querySelector("svg");
    const cross = drawing.querySelector(".cross");
    const readout = figure.querySelector(".readout");
    const last = data.x.length - 1;
    let now = last;
    const visible = () => { const without = hidden(); return data.series.filter((one) => !without.has(one.name)); };
    const describe = () =>
      `${data.at[now]}: ${visible().map((one) => `${one.name} ${one.text[now]}`).join("; ")}`;
    const list = () => {
      const head = document.createElement("p");
      head.textContent = `${data.at[now]} (point at the chart, or use the arrow keys)`;
      const rows = visible().map((one) => {
        const row = document.createElement("div");
        row.append(swatch(one.look), `${one.name}  ${one.text[now]}`);
        return row;
      });
      readout.replaceChildren(head, ...rows);
      plot.setAttribute("aria-valuenow", now);
      plot.setAttribute("aria-valuetext", describe());
    };
    const show = (index) => {
      now = Math.max(0, Math.min(last, index));
      cross.setAttribute("visibility", "visible");
      cross.firstElementChild.setAttribute("transform", `translate(${data.x[now]} 0)`);
      all("circle", cross).forEach((dot) => dot.remove());
      for (const one of visible()) {
        cross.append(svg("circle", { class: `look${one.look % 8}`, cx: data.x[now], cy: one.y[now], r: 3.5 }));
      }
      list();
    };
    const nearest = (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(drawing.getScreenCTM().inverse());
      const distances = data.x.map((x) => Math.abs(x - point.x));
      return distances.indexOf(Math.min(...distances));
    };
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };
    plot.addEventListener("pointermove", (event) => show(nearest(event)));
    plot.addEventListener("pointerdown", (event) => show(nearest(event)));
    plot.addEventListener("focus", () => show(now));
    plot.addEventListener("keydown", (event) => {
      if (!(event.key in moves) || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      show(now + moves[event.key]);
    });
    plot.addEventListener("refresh", () => (cross.getAttribute("visibility") === "visible" ? show(now) : list()));
    const roles = { role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuemax": last, "aria-label": drawing.getAttribute("aria-label") };
    for (const [key, value] of Object.entries(roles)) plot.setAttribute(key, value);
    list();
  };
  all("figure.chart").forEach(setUpChart);

  // A link to runs opens what is folded around them.
  const openTarget = () => {
    let part = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (part === null) return;
    const target = part;
    for (; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    if (target.tagName === "DETAILS") {
      target.scrollIntoView();
      target.querySelector("summary").focus({ preventScroll: true });
    }
  };
  addEventListener("hashchange", openTarget);
  openTarget();
})();
