"use strict";
// The player of a replay. `data` is what replay_page.py wrote; nothing is ever fetched.

const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const NOBODY = -1;
const SPEEDS = [1, 2, 4, 8, 15, 30, 60, 120];
const KINDS = { f4: Float32Array, i4: Int32Array, u1: Uint8Array };

const state = {
  episode: data.episodes[0], time: 0, playing: false, speed: 8, chosen: NOBODY, last: 0,
  view: { zoom: 1, x: 0, y: 0 }, colours: {}, images: [],
};

// --- reading the data

function unpack(packed) {
  if (!packed) return null;
  const text = atob(packed.data);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return { shape: packed.shape, data: new KINDS[packed.type](bytes.buffer) };
}

function unpackEpisode(episode) {
  for (const name of ["actions", "rewards", "values", "attention"]) episode[name] = unpack(episode[name]);
  const track = episode.track;
  if (track) {
    for (const name of ["x", "y", "alive", "heading", "target", "goal_x", "goal_y"]) track[name] = unpack(track[name]);
    for (const gauge of track.gauges) gauge.values = unpack(gauge.values);
    for (const mark of track.marks) mark.values = unpack(mark.values);
    track.several = new Set(track.bodies.kinds).size > 1;
  }
  episode.returns = accumulate(episode);
}

function accumulate(episode) {
  const sums = [0];
  for (let t = 0; t < episode.steps; t++) sums.push(sums[t] + mean(episode.rewards, t));
  return sums;
}

const at = (array, t, i) => array.data[t * array.shape[1] + i];

function mean(array, t) {
  const width = array.shape[1];
  let sum = 0;
  for (let i = 0; i < width; i++) sum += array.data[t * width + i];
  return sum / width;
}

// The step being taken at the present time, and the moment that it began with.
const stepNow = () => Math.min(Math.floor(state.time), state.episode.steps - 1);
const momentNow = () => Math.min(Math.floor(state.time), state.episode.steps);

function valueAt(t) {
  const { values, track } = state.episode;
  if (!values) return null;
  if (state.chosen !== NOBODY) return at(values, t, state.chosen);
  let sum = 0, count = 0;
  for (let i = 0; i < values.shape[1]; i++) {
    if (!track || at(track.alive, t, i)) { sum += at(values, t, i); count++; }
  }
  return count ? sum / count : 0;
}

// --- the world

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["ink", "quiet", "line", "ground", "wall", "ours", "theirs", "neutral", "good", "warn", "look", "shield", "paper", "value", "reward"])
    state.colours[name] = style.getPropertyValue("--" + name).trim();
}

function fitCanvas(canvas, height) {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth;
  canvas.style.height = height + "px";
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return pen;
}

function worldSize() {
  const { track, film } = state.episode;
  if (film) return film.size;
  const [left, bottom, right, top] = track.stage;
  return [right - left, top - bottom];
}

function projection() {
  const width = $("world").clientWidth, [across, up] = worldSize();
  const height = Math.min((width * up) / across, window.innerHeight * 0.72);
  const scale = Math.min(width / across, height / up) * state.view.zoom;
  const { track } = state.episode;
  const [left, bottom, right, top] = track ? track.stage : [0, 0, across, up];
  const x0 = width / 2 - ((left + right) / 2 + state.view.x) * scale;
  const y0 = height / 2 + ((bottom + top) / 2 + state.view.y) * scale;
  return { width, height, scale, x: (x) => x0 + x * scale, y: (y) => y0 - y * scale };
}

function place(track, i) {
  const now = momentNow(), next = Math.min(now + 1, state.episode.steps), part = state.time - now;
  const mix = (array) => at(array, now, i) * (1 - part) + at(array, next, i) * part;
  return [mix(track.x), mix(track.y)];
}

function drawWorld() {
  const look = projection(), pen = fitCanvas($("world"), look.height);
  pen.clearRect(0, 0, look.width, look.height);
  if (state.episode.film) drawFilm(pen, look);
  else drawTrack(pen, look);
}

function drawFilm(pen, look) {
  const steps = state.episode.film.steps, now = momentNow();
  let k = steps.length - 1;
  while (k > 0 && steps[k] > now) k--;
  const image = state.images[k], [across, up] = worldSize();
  if (image.complete) pen.drawImage(image, look.x(0), look.y(up), across * look.scale, up * look.scale);
  else image.onload = drawWorld;
}

function drawTrack(pen, look) {
  const track = state.episode.track, count = track.bodies.names.length;
  drawWalls(pen, look, track);
  const places = [];
  for (let i = 0; i < count; i++) {
    const [x, y] = place(track, i);
    places.push([look.x(x), look.y(y), Math.max(2.5, track.bodies.radius[i] * look.scale)]);
  }
  if (track.goal_x) drawGoals(pen, look, track, places);
  if ($("reach").checked) drawReach(pen, look, track, places);
  if ($("targets").checked && track.target) drawTargets(pen, track, places);
  if ($("attention").checked) drawAttention(pen, places);
  for (let i = 0; i < count; i++) drawBody(pen, track, i, places[i]);
  if (state.chosen === NOBODY) return;
  drawBody(pen, track, state.chosen, places[state.chosen]);
  drawChosen(pen, track, places[state.chosen]);
}

function drawWalls(pen, look, track) {
  pen.fillStyle = state.colours.wall;
  pen.strokeStyle = state.colours.wall;
  pen.lineWidth = 0.6;
  for (const corners of track.walls) {
    pen.beginPath();
    corners.forEach(([x, y], k) => (k ? pen.lineTo(look.x(x), look.y(y)) : pen.moveTo(look.x(x), look.y(y))));
    pen.closePath();
    pen.fill();
    pen.stroke();
  }
}

const teamColour = (team) => [state.colours.ours, state.colours.theirs, state.colours.neutral][team];

function marked(track, name, i) {
  const mark = track.marks.find((one) => one.name === name);
  return mark ? at(mark.values, momentNow(), i) > 0 : false;
}

function share(track, name, i) {
  const gauge = track.gauges.find((one) => one.name === name);
  if (!gauge || !(gauge.largest[i] > 0)) return null;
  return Math.min(1, at(gauge.values, momentNow(), i) / gauge.largest[i]);
}

function drawGoals(pen, look, track, places) {
  const now = momentNow();
  places.forEach(([px, py, r], i) => {
    const x = look.x(at(track.goal_x, now, i)), y = look.y(at(track.goal_y, now, i));
    if (Number.isNaN(x)) return;
    pen.strokeStyle = marked(track, "arrived", i) ? state.colours.good : teamColour(track.bodies.teams[i]);
    pen.globalAlpha = 0.75;
    pen.lineWidth = 1.2;
    pen.strokeRect(x - r * 0.7, y - r * 0.7, r * 1.4, r * 1.4);
    if (state.chosen === i || places.length <= 32) {
      pen.globalAlpha = state.chosen === i ? 0.8 : 0.25;
      line(pen, px, py, x, y);
    }
    pen.globalAlpha = 1;
  });
}

function line(pen, x0, y0, x1, y1) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}

function circle(pen, x, y, r) {
  pen.beginPath();
  pen.arc(x, y, r, 0, 2 * Math.PI);
}

function drawReach(pen, look, track, places) {
  places.forEach(([x, y], i) => {
    const reach = track.bodies.reach[i];
    if (!reach || !at(track.alive, momentNow(), i) || (state.chosen !== NOBODY && state.chosen !== i)) return;
    pen.strokeStyle = teamColour(track.bodies.teams[i]);
    pen.globalAlpha = 0.35;
    pen.lineWidth = 1;
    circle(pen, x, y, reach * look.scale);
    pen.stroke();
    pen.globalAlpha = 1;
  });
}

function targetOf(track, i) {
  // Orders of the step that is being taken show at its end; who died in it is looked up at its beginning.
  const after = at(track.target, Math.min(momentNow() + 1, state.episode.steps), i);
  return after >= 0 ? after : at(track.target, momentNow(), i);
}

function drawTargets(pen, track, places) {
  places.forEach(([x, y], i) => {
    const target = targetOf(track, i);
    if (target < 0 || !at(track.alive, momentNow(), i)) return;
    pen.strokeStyle = teamColour(track.bodies.teams[i]);
    pen.globalAlpha = state.chosen === NOBODY || state.chosen === i ? 0.6 : 0.18;
    pen.lineWidth = 1.2;
    line(pen, x, y, places[target][0], places[target][1]);
    pen.globalAlpha = 1;
  });
}

function drawBody(pen, track, i, [x, y, r]) {
  if (!at(track.alive, momentNow(), i)) return drawDead(pen, track, i, x, y);
  const arrived = marked(track, "arrived", i);
  pen.fillStyle = arrived ? state.colours.good : teamColour(track.bodies.teams[i]);
  circle(pen, x, y, r);
  pen.fill();
  const ring = Math.max(1.2, Math.min(2.4, r * 0.17));
  drawArc(pen, x, y, r + ring, ring, share(track, "health", i), state.colours.good);
  drawArc(pen, x, y, r + 2.3 * ring, ring, share(track, "shield", i), state.colours.shield);
  if (track.heading && !Number.isNaN(at(track.heading, momentNow(), i))) drawNose(pen, track, i, x, y, r);
  else if (r >= 6) drawLetter(pen, track, i, x, y, r);
  if (marked(track, "contact", i)) {
    pen.strokeStyle = state.colours.warn;
    pen.lineWidth = 2.5;
    circle(pen, x, y, r + 3);
    pen.stroke();
  }
}

function drawDead(pen, track, i, x, y) {
  pen.strokeStyle = teamColour(track.bodies.teams[i]);
  pen.globalAlpha = 0.45;
  pen.lineWidth = 1.5;
  line(pen, x - 3, y - 3, x + 3, y + 3);
  line(pen, x - 3, y + 3, x + 3, y - 3);
  pen.globalAlpha = 1;
}

function drawArc(pen, x, y, r, width, part, colour) {
  if (part === null) return;
  pen.lineWidth = width;
  pen.strokeStyle = state.colours.line;
  circle(pen, x, y, r);
  pen.stroke();
  pen.strokeStyle = colour;
  pen.beginPath();
  pen.arc(x, y, r, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * part);
  pen.stroke();
}

function drawNose(pen, track, i, x, y, r) {
  const angle = at(track.heading, momentNow(), i);
  pen.strokeStyle = r >= 5 ? state.colours.paper : teamColour(track.bodies.teams[i]);
  pen.lineWidth = Math.max(1, r / 4);
  const length = r >= 5 ? 0.95 * r : 2 * r;
  line(pen, x, y, x + length * Math.cos(angle), y - length * Math.sin(angle));
}

function drawLetter(pen, track, i, x, y, r) {
  const kind = track.bodies.kinds[i];
  pen.fillStyle = state.colours.paper;
  pen.font = `600 ${Math.round(r * 1.15)}px system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(track.several ? kind[0].toUpperCase() : track.bodies.names[i].replace(/^.*\D/, ""), x, y + 0.5);
}

function drawAttention(pen, places) {
  const { attention } = state.episode;
  if (!attention || state.chosen === NOBODY) return;
  const row = attentionRow(state.chosen), largest = Math.max(...row, 1e-6), [x, y, r] = places[state.chosen];
  pen.strokeStyle = state.colours.look;
  row.forEach((weight, j) => {
    if (weight < 0.01) return;
    pen.globalAlpha = 0.25 + (0.7 * weight) / largest;
    pen.lineWidth = 0.8 + ((j === state.chosen ? 2.5 : 5) * weight) / largest;
    if (j === state.chosen) { circle(pen, x, y, r + 9.5); pen.stroke(); }
    else line(pen, x, y, places[j][0], places[j][1]);
  });
  pen.globalAlpha = 1;
}

function drawChosen(pen, track, [x, y, r]) {
  pen.strokeStyle = state.colours.ink;
  pen.lineWidth = 1.5;
  pen.setLineDash([4, 3]);
  circle(pen, x, y, r + 13);
  pen.stroke();
  pen.setLineDash([]);
  pen.fillStyle = state.colours.ink;
  pen.font = "600 12px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "alphabetic";
  const name = spoken(track.bodies.names[state.chosen]);
  pen.strokeStyle = state.colours.ground;
  pen.lineWidth = 3;
  pen.strokeText(name, x, y - r - 17);
  pen.fillText(name, x, y - r - 17);
}

// --- attention

function attentionRow(i) {
  const { attention } = state.episode, n = attention.shape[1], start = (stepNow() * n + i) * n;
  return Array.from(attention.data.subarray(start, start + n), (byte) => byte / 255);
}

function drawHeat() {
  const { attention, attention_name, agents } = state.episode;
  $("heat-figure").hidden = !attention;
  if (!attention) return;
  $("heat-caption").textContent = `${capital(attention_name)}: rows look at columns`;
  const canvas = $("heat"), side = canvas.clientWidth || 280, n = agents.length, cell = side / n;
  const pen = fitCanvas(canvas, side);
  pen.fillStyle = state.colours.ground;
  pen.fillRect(0, 0, side, side);
  pen.fillStyle = state.colours.look;
  for (let i = 0; i < n; i++) {
    attentionRow(i).forEach((weight, j) => {
      pen.globalAlpha = Math.sqrt(weight);
      pen.fillRect(j * cell + 0.5, i * cell + 0.5, cell - 1, cell - 1);
    });
  }
  pen.globalAlpha = 1;
  if (state.chosen !== NOBODY) {
    pen.strokeStyle = state.colours.ink;
    pen.lineWidth = 1.5;
    pen.strokeRect(0.75, state.chosen * cell + 0.75, side - 1.5, cell - 1.5);
  }
}

function heatCell(event) {
  const box = $("heat").getBoundingClientRect(), n = state.episode.agents.length;
  const clamp = (part) => Math.max(0, Math.min(n - 1, Math.floor(part * n)));
  return [clamp((event.clientY - box.top) / box.height), clamp((event.clientX - box.left) / box.width)];
}

function sayHeat(event) {
  const [i, j] = heatCell(event), { agents } = state.episode;
  $("heat-said").textContent = `${spoken(agents[i])} at ${spoken(agents[j])}: ${(100 * attentionRow(i)[j]).toFixed(0)} %`;
}

// --- the panel

const spoken = (name) => name.replaceAll("_", " ");
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const short = (number) => (Math.abs(number) >= 100 ? number.toFixed(0) : number.toPrecision(3).replace(/\.?0+$/, ""));

function element(tag, content, className) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(content);
  return made;
}

function meter(part, className) {
  const bar = element("i", "");
  bar.style.width = `${100 * Math.max(0, Math.min(1, part))}%`;
  return element("span", bar, "meter " + (className || ""));
}

function describeAction(i) {
  const { actions, track } = state.episode, t = stepNow();
  if (actions.shape.length === 2) {
    const action = at(actions, t, i);
    return spoken(track && track.actions.length ? track.actions[action] : String(action));
  }
  const size = actions.shape[2], start = (t * actions.shape[1] + i) * size;
  return Array.from(actions.data.subarray(start, start + size), (x) => x.toFixed(2)).join(", ");
}

function agentFacts(i) {
  const { track, values, rewards } = state.episode, facts = [];
  const alive = !track || at(track.alive, momentNow(), i);
  if (track) facts.push(["kind", spoken(track.bodies.kinds[i]) + (alive ? "" : " (dead)")]);
  facts.push(["action", describeAction(i)]);
  if (track && track.target && alive) {
    const target = targetOf(track, i);
    facts.push(["after", target < 0 ? "nobody" : spoken(track.bodies.names[target])]);
  }
  if (track) {
    for (const gauge of track.gauges) if (gauge.largest[i] > 0) facts.push(gaugeFact(gauge, i));
    for (const mark of track.marks) if (at(mark.values, momentNow(), i)) facts.push(["", spoken(mark.name)]);
  }
  if (values) facts.push(["value", short(at(values, stepNow(), i))]);
  facts.push(["reward", short(at(rewards, stepNow(), i))]);
  return facts;
}

function gaugeFact(gauge, i) {
  const now = at(gauge.values, momentNow(), i), box = element("div", `${short(now)} of ${short(gauge.largest[i])}`);
  box.append(meter(now / gauge.largest[i]));
  return [spoken(gauge.name), box];
}

function teamFacts() {
  const { track, rewards, returns } = state.episode, facts = [];
  if (track) {
    const living = [0, 0, 0], all = [0, 0, 0];
    track.bodies.teams.forEach((team, i) => { all[team]++; living[team] += at(track.alive, momentNow(), i); });
    facts.push(["ours", `${living[0]} of ${all[0]} alive`]);
    if (all[1]) facts.push(["theirs", `${living[1]} of ${all[1]} alive`]);
    for (const mark of track.marks) {
      let count = 0;
      for (let i = 0; i < all[0]; i++) count += at(mark.values, momentNow(), i) > 0;
      facts.push([spoken(mark.name), `${count} of ${all[0]}`]);
    }
  }
  facts.push(["reward", short(mean(rewards, stepNow()))], ["return so far", short(returns[momentNow()])]);
  const value = valueAt(stepNow());
  if (value !== null) facts.push(["mean value", short(value)]);
  return facts;
}

function drawPanel() {
  const list = $("facts");
  list.replaceChildren();
  for (const [name, content] of state.chosen === NOBODY ? teamFacts() : agentFacts(state.chosen))
    list.append(element("dt", name), element("dd", content));
  drawLooks();
}

function drawLooks() {
  const box = $("looks");
  box.replaceChildren();
  if (!state.episode.attention || state.chosen === NOBODY) return;
  const names = state.episode.agents;
  const row = attentionRow(state.chosen).map((weight, j) => [weight, j]).sort((a, b) => b[0] - a[0]);
  const items = row.slice(0, 8).map(([weight, j]) => {
    const item = element("li", element("span", spoken(names[j]) + (j === state.chosen ? " (itself)" : "")));
    item.append(meter(weight, "look"), element("span", `${(100 * weight).toFixed(0)} %`));
    return item;
  });
  const list = document.createElement("ul");
  list.append(...items);
  box.append(element("h2", `Its ${state.episode.attention_name} looks at`), list);
}

// --- curves

function svg(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

const CHART = { left: 38, right: 8, top: 8, bottom: 18, height: 150 };

function chartX(t) {
  const width = $("chart").clientWidth - CHART.left - CHART.right;
  return CHART.left + (width * t) / state.episode.steps;
}

function drawChart() {
  const { steps, returns, rewards } = state.episode, chart = $("chart");
  const values = state.episode.values ? Array.from({ length: steps }, (_, t) => valueAt(t)) : [];
  const low = Math.min(0, ...returns, ...values), high = Math.max(1e-6, ...returns, ...values);
  const inner = CHART.height - CHART.top - CHART.bottom;
  const y = (v) => CHART.top + (inner * (high - v)) / (high - low);
  chart.replaceChildren();
  for (const v of low < 0 ? [low, 0, high] : [0, high]) chart.append(...gridLine(y(v), short(v)));
  drawRewards(chart, rewards, y(low), inner);
  chart.append(curve(returns, y, "reward"), curve(values, y, "value"));
  const label = svg("text", { x: chartX(steps), y: CHART.height - 4, "text-anchor": "end", fill: state.colours.quiet, "font-size": 11 });
  label.append(`${steps} steps`);
  const cursor = svg("line", { id: "cursor", y1: CHART.top, y2: CHART.height - CHART.bottom, stroke: state.colours.ink, "stroke-width": 1 });
  chart.append(label, cursor);
  moveCursor();
}

function gridLine(y, text) {
  const label = svg("text", { x: CHART.left - 5, y: y + 4, "text-anchor": "end", fill: state.colours.quiet, "font-size": 11 });
  label.append(text);
  return [svg("line", { x1: CHART.left, x2: chartX(state.episode.steps), y1: y, y2: y, stroke: state.colours.line }), label];
}

function drawRewards(chart, rewards, floor, inner) {
  const { steps } = state.episode, each = Array.from({ length: steps }, (_, t) => mean(rewards, t));
  const largest = Math.max(1e-9, ...each.map(Math.abs)), parts = [];
  each.forEach((r, t) => { if (r) parts.push(`M${chartX(t + 0.5).toFixed(1)} ${floor}v${(-(0.3 * inner * Math.abs(r)) / largest).toFixed(1)}`); });
  const width = Math.max(1, Math.min(4, chartX(1) - chartX(0) - 1));
  chart.append(svg("path", { d: parts.join(""), stroke: state.colours.neutral, "stroke-width": width, opacity: 0.6 }));
}

function curve(points, y, colour) {
  const text = points.map((v, t) => `${chartX(t).toFixed(1)},${y(v).toFixed(1)}`).join(" ");
  return svg("polyline", { points: text, fill: "none", stroke: state.colours[colour], "stroke-width": 2, "stroke-linejoin": "round" });
}

function moveCursor() {
  const cursor = $("cursor");
  if (!cursor) return;
  cursor.setAttribute("x1", chartX(state.time));
  cursor.setAttribute("x2", chartX(state.time));
}

function drawLegend() {
  const box = $("legend"), who = state.chosen === NOBODY ? "mean value" : `value of ${spoken(state.episode.agents[state.chosen])}`;
  box.replaceChildren();
  const entries = [["reward", "return so far"], ["neutral", "reward of a step (own scale)"]];
  if (state.episode.values) entries.splice(1, 0, ["value", who]);
  for (const [colour, text] of entries) {
    const key = element("span", "", "key");
    key.style.background = state.colours[colour];
    box.append(key, text + "   ");
  }
}

// --- what happens

function showTime() {
  const { steps, track } = state.episode, now = momentNow();
  const seconds = track ? ` (${(state.time * track.step_seconds).toFixed(1)} s)` : "";
  $("scrub").value = String(now);
  $("clock").textContent = `step ${now} of ${steps}${seconds}`;
  $("verdict").textContent = state.time >= steps ? state.episode.outcome : "";
}

function draw() {
  showTime();
  drawWorld();
  drawPanel();
  drawHeat();
  moveCursor();
}

function drawAll() {
  readColours();
  drawChart();
  drawLegend();
  draw();
}

function seek(time) {
  state.time = Math.max(0, Math.min(state.episode.steps, time));
  draw();
}

function play(on) {
  if (on && state.time >= state.episode.steps) state.time = 0;
  state.playing = on;
  state.last = performance.now();
  $("play").textContent = on ? "\u275a\u275a" : "\u25b6";
  $("play").setAttribute("aria-label", on ? "Pause" : "Play");
  if (on) requestAnimationFrame(tick);
}

function tick(now) {
  if (!state.playing) return;
  seek(state.time + (state.speed * (now - state.last)) / 1000);
  state.last = now;
  if (state.time >= state.episode.steps) play(false);
  else requestAnimationFrame(tick);
}

function choose(agent) {
  state.chosen = agent;
  $("agent").value = String(agent);
  drawChart();
  drawLegend();
  draw();
}

function turn(by) {
  const n = state.episode.agents.length;
  choose(((state.chosen + 1 + by + n + 1) % (n + 1)) - 1);
}

function setSpeed(speed) {
  state.speed = speed;
  $("speed").value = String(speed);
}

function changeSpeed(by) {
  const k = SPEEDS.indexOf(state.speed) + by;
  if (k >= 0 && k < SPEEDS.length) setSpeed(SPEEDS[k]);
}

function open(number) {
  const count = data.episodes.length;
  const k = (number + count) % count;
  const episode = (state.episode = data.episodes[k]);
  if (!episode.returns) unpackEpisode(episode);
  state.images = episode.film ? episode.film.pictures.map((text) => Object.assign(new Image(), { src: text })) : [];
  play(false);
  state.time = 0;
  state.chosen = Math.min(state.chosen, episode.agents.length - 1);
  $("episodes").value = String(k);
  $("scrub").max = String(episode.steps);
  $("agent").replaceChildren(new Option("all of them", String(NOBODY)), ...episode.agents.map((name, i) => new Option(spoken(name), String(i))));
  $("agent").value = String(state.chosen);
  $("attention-label").hidden = !episode.attention || !episode.track;
  for (const name of ["targets", "reach"]) $(name).parentElement.hidden = !episode.track || (name === "targets" && !episode.track.target);
  setSpeed(SPEEDS.find((speed) => episode.steps / speed <= 15) || SPEEDS[SPEEDS.length - 1]);
  drawAll();
}

function pick(event) {
  const track = state.episode.track;
  if (!track) return;
  const box = $("world").getBoundingClientRect(), look = projection();
  const px = event.clientX - box.left, py = event.clientY - box.top;
  let best = NOBODY, closest = 28;
  for (let i = 0; i < state.episode.agents.length; i++) {
    const [x, y] = place(track, i), distance = Math.hypot(look.x(x) - px, look.y(y) - py);
    if (distance < closest) { best = i; closest = distance; }
  }
  choose(best);
}

function zoom(factor) {
  state.view.zoom = Math.max(1, Math.min(60, state.view.zoom * factor));
  if (state.view.zoom === 1) state.view.x = state.view.y = 0;
  drawWorld();
}

function wireDragging() {
  const canvas = $("world");
  let from = null, moved = 0;
  canvas.addEventListener("pointerdown", (event) => { from = [event.clientX, event.clientY]; moved = 0; });
  canvas.addEventListener("pointermove", (event) => {
    if (!from || state.view.zoom === 1) return;
    const scale = projection().scale, dx = event.clientX - from[0], dy = event.clientY - from[1];
    moved += Math.abs(dx) + Math.abs(dy);
    state.view.x -= dx / scale;
    state.view.y += dy / scale;
    from = [event.clientX, event.clientY];
    drawWorld();
  });
  window.addEventListener("pointerup", () => { from = null; });
  canvas.addEventListener("click", (event) => { if (moved < 5) pick(event); });
  canvas.addEventListener("wheel", (event) => { event.preventDefault(); zoom(Math.exp(-event.deltaY / 400)); }, { passive: false });
}

const KEYS = {
  " ": () => play(!state.playing),
  ArrowLeft: (shift) => seek(momentNow() - (shift ? 10 : 1)),
  ArrowRight: (shift) => seek(momentNow() + (shift ? 10 : 1)),
  Home: () => seek(0),
  End: () => seek(state.episode.steps),
  "-": () => changeSpeed(-1),
  "+": () => changeSpeed(1),
  "=": () => changeSpeed(1),
  a: () => turn(1),
  A: () => turn(-1),
  Escape: () => choose(NOBODY),
  n: () => open(data.episodes.indexOf(state.episode) + 1),
  p: () => open(data.episodes.indexOf(state.episode) - 1),
  t: () => toggle("targets"),
  w: () => toggle("attention"),
  r: () => toggle("reach"),
  0: () => { state.view = { zoom: 1, x: 0, y: 0 }; drawWorld(); },
};

function toggle(name) {
  $(name).checked = !$(name).checked;
  drawWorld();
}

function onKey(event) {
  const action = KEYS[event.key], where = event.target.tagName;
  if (!action || event.ctrlKey || event.metaKey || event.altKey || where === "SELECT") return;
  if (event.key === " " && (where === "BUTTON" || where === "SUMMARY" || event.target.type === "checkbox")) return;
  event.preventDefault();
  action(event.shiftKey);
}

function wire() {
  $("play").onclick = () => play(!state.playing);
  $("back").onclick = () => seek(momentNow() - 1);
  $("forth").onclick = () => seek(momentNow() + 1);
  $("scrub").oninput = (event) => { play(false); seek(Number(event.target.value)); };
  $("speed").onchange = (event) => setSpeed(Number(event.target.value));
  $("episodes").onchange = (event) => open(Number(event.target.value));
  $("agent").onchange = (event) => choose(Number(event.target.value));
  $("whole").onclick = () => KEYS["0"]();
  for (const name of ["targets", "attention", "reach"]) $(name).onchange = drawWorld;
  $("heat").onpointermove = sayHeat;
  $("heat").onclick = (event) => choose(heatCell(event)[0]);
  $("chart").onclick = (event) => {
    const box = $("chart").getBoundingClientRect();
    seek(Math.round(((event.clientX - box.left - CHART.left) / (chartX(state.episode.steps) - CHART.left)) * state.episode.steps));
  };
  document.addEventListener("keydown", onKey);
  window.addEventListener("resize", drawAll);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  wireDragging();
}

$("speed").replaceChildren(...SPEEDS.map((speed) => new Option(speed === 1 ? "1 step/s" : `${speed} steps/s`, String(speed))));
$("episodes").replaceChildren(...data.episodes.map((episode, k) => new Option(`${k + 1}: ${episode.outcome}`, String(k))));
$("episodes-label").hidden = data.episodes.length < 2;
wire();
open(0);
