// The page "Pipelines". Everything that comes from a pipeline is put in as text, never as HTML.
"use strict";

const main = document.getElementById("main");
const HEIGHT = () => (matchMedia("(max-width: 700px)").matches ? 84 : 56);
const DOTS = { success: "●", failed: "✖", running: "◐", queued: "○" };
const REFRESHED_EVERY = 15_000;

// Airflow's own choice of light and dark where this is a frame of its UI, else the system's.
const airflow = () => (parent !== window ? parent.document.documentElement : null);
function theme() {
  let dark = matchMedia("(prefers-color-scheme: dark)").matches;
  try {
    if (airflow()) dark = airflow().classList.contains("dark") || airflow().dataset.theme === "dark";
  } catch {
    // A frame of another origin: the system's choice stays.
  }
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

// Raises AbortError once another view is shown: a slow answer must not replace it.
async function asked(path) {
  const answer = await fetch(path, { credentials: "same-origin", signal: page.signal });
  if (answer.ok) return await answer.json();
  if (answer.status === 401) throw new Error("You are not logged in. Reload the page of Airflow.");
  if (answer.status === 403) throw new Error("You may not read this pipeline.");
  if (answer.status === 404) throw new Error("There is no such pipeline. It may have been removed or renamed.");
  throw new Error(`Airflow answered ${answer.status}.`);
}

function when(text) {
  if (!text) return "";
  const moment = new Date(text);
  const sameDay = moment.toDateString() === new Date().toDateString();
  const options = sameDay ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return moment.toLocaleString(undefined, options);
}

function dots(runs) {
  const said = runs.map((run) => `${run.state} ${when(run.at)}`).join(", ");
  const marks = runs.map((run) => element("span", { class: `dot ${run.state}`, title: `${run.state} ${when(run.at)}` }, DOTS[run.state] || "○"));
  return element("span", { class: "dots", role: "img", "aria-label": said ? `last runs: ${said}` : "no runs yet" }, marks);
}

// -- the list -------------------------------------------------------------------------------------------------

function row(pipeline, index) {
  const name = pipeline.id
    ? element("a", { href: `#/pipeline/${encodeURIComponent(pipeline.id)}` }, pipeline.name)
    : element("a", { href: `#/broken/${encodeURIComponent(pipeline.file)}` }, pipeline.name);
  const first = pipeline.findings[0];
  const below = first ? first.text.split("\n")[0] : `${pipeline.file}${pipeline.description ? ` · ${pipeline.description}` : ""}`;
  const made = element("div", { class: "row", role: "row", "aria-rowindex": index + 1 },
    element("div", { role: "cell" }, name, element("small", { title: below }, below)),
    element("div", { role: "cell", class: `state ${pipeline.state}` }, pipeline.state),
    element("div", { role: "cell", class: "when", title: pipeline.cron }, pipeline.schedule),
    element("div", { role: "cell", class: "next" }, pipeline.next ? when(pipeline.next) : pipeline.paused ? "paused" : ""),
    element("div", { role: "cell" }, dots(pipeline.runs)));
  made.style.top = `${index * HEIGHT()}px`;
  return made;
}

function options(values, label) {
  return [element("option", { value: "" }, label), ...[...new Set(values)].filter(Boolean).sort().map((value) => element("option", { value }, value))];
}

async function showList() {
  let listed = (await asked("data/pipelines")).pipelines;
  const folder = (pipeline) => pipeline.file.split("/").slice(0, -1).join("/");
  const search = element("input", { type: "search", "aria-label": "Search pipelines", placeholder: "Name, file, schedule" });
  const state = element("select", { "aria-label": "State" }, options(listed.map((p) => p.state), "any state"));
  const inFolder = element("select", { "aria-label": "Folder" }, options(listed.map(folder), "any folder"));
  const tag = element("select", { "aria-label": "Tag" }, options(listed.flatMap((p) => p.tags), "any tag"));
  const owner = element("select", { "aria-label": "Owner" }, options(listed.map((p) => p.owner), "any owner"));
  const count = element("span", { class: "dim", role: "status" });
  const rows = element("div", { class: "rows", role: "table", "aria-label": "Pipelines" });
  let chosen = listed;

  function draw() {
    const height = HEIGHT();
    rows.style.height = `${chosen.length * height}px`;
    const from = Math.max(0, Math.floor((scrollY - rows.offsetTop) / height) - 10);
    const to = Math.min(chosen.length, from + Math.ceil(innerHeight / height) + 20);
    rows.setAttribute("aria-rowcount", chosen.length);
    const focused = rows.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    rows.replaceChildren(...chosen.slice(from, to).map((pipeline, index) => row(pipeline, from + index)));
    [...rows.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus({ preventScroll: true });
  }
  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    chosen = listed.filter((p) => {
      const text = `${p.name} ${p.file} ${p.schedule} ${p.cron} ${p.tags.join(" ")} ${p.owner}`.toLowerCase();
      return words.every((word) => text.includes(word)) && (!state.value || p.state === state.value)
        && (!inFolder.value || folder(p) === inFolder.value) && (!tag.value || p.tags.includes(tag.value)) && (!owner.value || p.owner === owner.value);
    });
    const having = (state, words) => {
      const number = chosen.filter((p) => p.state === state).length;
      return number ? `, ${number} ${words}` : "";
    };
    count.textContent = `${chosen.length} of ${listed.length}${having("broken", "broken")}${having("warnings", "with warnings")}`;
    draw();
  }
  refresh(async () => {
    listed = (await asked("data/pipelines")).pipelines;
    filter();
  });
  for (const control of [search, state, inFolder, tag, owner]) control.addEventListener("input", filter);
  addEventListener("scroll", draw, { passive: true, signal: page.signal });
  addEventListener("resize", draw, { signal: page.signal });
  main.replaceChildren(element("h1", {}, "Pipelines"), element("div", { class: "tools" }, search, state, inFolder, tag, owner, count), rows);
  filter();
  search.focus({ preventScroll: true });
}

// -- one pipeline ---------------------------------------------------------------------------------------------

function coloured(line) {
  const comment = line.match(/^(\s*(?:- )*)(#.*)$/);
  if (comment) return [comment[1], element("span", { class: "note" }, comment[2])];
  const pair = line.match(/^(\s*(?:- )*)([\w$.-]+)(:)(\s.*|)$/);
  if (!pair) return [line];
  const value = /^\s*["']/.test(pair[4]) ? element("span", { class: "string" }, pair[4]) : pair[4];
  return [pair[1], element("span", { class: "key" }, pair[2]), pair[3], value];
}

function source(text, findings, label) {
  const found = new Set(findings.map((finding) => finding.line));
  const lines = text.replace(/\n$/, "").split("\n");
  return element("pre", { class: "text", tabindex: "0", "aria-label": label },
    lines.map((line, index) => element("span", { class: found.has(index + 1) ? "l found" : "l" }, ...coloured(line))));
}

// Each value with the file and the line that it comes from, behind the pair of spaces that ends the value.
function inForce(text) {
  if (!text) return [];
  const lines = text.split("\n").slice(1).map((line) => {
    const origin = line.match(/^(.*?\S)(\s{2,}# \S.*:\d+)$/);
    return element("span", { class: "l" }, ...coloured(origin ? origin[1] : line), origin ? element("span", { class: "note" }, origin[2]) : "");
  });
  return [element("details", { id: "in-force" }, element("summary", {}, element("h2", {}, "In force, and where each value comes from")),
    element("pre", { class: "text", tabindex: "0", "aria-label": "The values in force" }, lines))];
}

function facts(pairs) {
  return element("dl", {}, pairs.filter(([, value]) => value && value.length).flatMap(([name, value]) =>
    [element("dt", {}, name), element("dd", {}, Array.isArray(value) ? value.join(" · ") : value)]));
}

function bars(polls) {
  const unit = polls.some((poll) => poll.rows !== null) ? "rows" : "bytes";
  const most = Math.max(1, ...polls.map((poll) => poll[unit] ?? 0));
  const width = 600 / Math.max(20, polls.length);
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawn.setAttribute("viewBox", "0 0 600 90");
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", `${unit} of the last ${polls.length} polls: ${polls.map((poll) => poll[unit] ?? "none").join(", ")}`);
  polls.forEach((poll, index) => {
    const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const height = Math.max(2, (80 * (poll[unit] ?? 0)) / most);
    for (const [key, value] of Object.entries({ x: index * width, y: 88 - height, width: Math.max(1, width - 2), height })) bar.setAttribute(key, value);
    const ok = poll.status >= 200 && poll.status < 300;
    if (!ok) bar.setAttribute("class", "failed");
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = `${when(poll.at)}: ${poll[unit] ?? "no"} ${unit}, status ${poll.status ?? "none"}`;
    bar.append(title);
    drawn.append(bar);
  });
  return drawn;
}

function polled(polls) {
  if (!polls.length) return [];
  const last = polls.slice(-10).reverse();
  const head = ["when", "task", "rows", "pages", "bytes", "ms", "status", "watermark"].map((name) => element("th", { scope: "col" }, name));
  const rows = last.map((poll) => element("tr", {}, [when(poll.at), poll.task, poll.rows, poll.pages, poll.bytes, poll.milliseconds, poll.status, poll.watermark]
    .map((value) => element("td", {}, value === null || value === undefined ? "" : String(value)))));
  return [element("h2", {}, "What its polls brought"), bars(polls), element("table", { "aria-label": "The last polls" }, element("thead", {}, element("tr", {}, head)), element("tbody", {}, rows))];
}

// Charts have scripts of their own; what both hold can do nothing in the name of this page.
function frames(heading, kind, made, dagId, sandbox) {
  if (!made.length) return [];
  return [element("h2", {}, heading), ...made.map((one) => {
    const src = `../pipeline-charts/${[dagId, one.run, one.task, one.index].map(encodeURIComponent).join("/")}`;
    const isShown = !one.file.toLowerCase().endsWith(".pdf"); // no browser shows a PDF in a sandbox
    return element("figure", {}, element("figcaption", {}, one.task), isShown
      ? element("iframe", { class: kind, src, sandbox, loading: "lazy", title: `${kind} of ${one.task}` })
      : element("a", { href: src, download: one.file }, `Download ${one.file}`));
  })];
}

function findings(found) {
  if (!found.length) return [];
  return [element("h2", {}, found.length === 1 ? "One finding" : `${found.length} findings`),
    found.map((finding) => element("pre", { class: `finding ${finding.text.split("[")[0]}`, tabindex: "0" }, finding.text))];
}

function drawPipeline(found) {
  const isOpen = Boolean(document.getElementById("in-force")?.open);
  main.replaceChildren(
    element("h1", {}, found.name, " ", element("span", { class: `state ${found.state}` }, found.state)),
    element("div", { class: "dim" }, found.description),
    ...findings(found.findings).flat(),
    facts([["file", found.file], ["schedule", found.schedule], ["cron", found.cron], ["next runs", found.next_runs.map(when)], ["owner", found.owner],
      ["tags", found.tags], ["starts after", found.reads], ["updates", found.writes], ["connections", found.uses.connections],
      ["tables", found.uses.tables], ["hosts", found.uses.hosts], ["watermark", found.watermarks]]),
    element("div", {}, "Last runs: ", dots(found.runs)),
    ...polled(found.polls),
    ...frames("Charts", "chart", found.charts, found.id, "allow-scripts"), ...frames("Models", "model", found.models, found.id, ""),
    ...inForce(found.in_force),
    // Airflow has the text that was last read without an error; lines of the new one would mark others in it.
    element("h2", {}, found.state === "broken" ? "As it was before it broke" : "As it is written"),
    found.text ? source(found.text, found.state === "broken" ? [] : found.findings, "The pipeline as it is written") : element("p", { class: "dim" }, "Its text is not in Airflow's database."));
  document.getElementById("in-force")?.toggleAttribute("open", isOpen);
}

// Two bundles may have a file of one name.
function drawBroken(file, pipelines) {
  const found = pipelines.filter((pipeline) => pipeline.file === file && pipeline.state === "broken").flatMap((pipeline) => pipeline.findings);
  if (!found.length) complain("There is no such file, or it has been repaired. Go back to the list.");
  else main.replaceChildren(element("h1", {}, file, " ", element("span", { class: "state broken" }, "broken")), ...findings(found).flat());
}

// -- the last 24 hours ----------------------------------------------------------------------------------------

function drawDay(found) {
  const begin = new Date(found.begin);
  const most = Math.max(1, ...Object.values(found.runs));
  const cells = [element("span", {}), ...["00", "10", "20", "30", "40", "50"].map((minute) => element("span", { class: "dim" }, `:${minute}`))];
  for (let hour = 0; hour < 25; hour += 1) {
    const start = new Date(begin.getTime() + hour * 3600e3);
    cells.push(element("span", { class: "dim" }, start.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })));
    for (let part = 0; part < 6; part += 1) {
      const runs = found.runs[hour * 6 + part] ?? 0;
      const late = found.late[hour * 6 + part] ?? 0;
      const heat = runs ? Math.max(1, Math.ceil((4 * runs) / most)) : 0;
      const said = `${runs} run${runs === 1 ? "" : "s"}${late ? `, ${late} waited over a minute` : ""}`;
      cells.push(element("span", { class: `cell h${heat}${late ? " late" : ""}`, title: said, "aria-label": said, role: "img" }, runs ? String(runs) : ""));
    }
  }
  main.replaceChildren(element("h1", {}, "Last 24 hours"),
    element("p", { class: "dim" }, "Runs that began, for each ten minutes. A red frame: some waited over a minute for a free slot."),
    element("div", { class: "grid" }, cells));
}

// -- which view -----------------------------------------------------------------------------------------------

let page = new AbortController();

// Again and again while the view is open and can be seen; what fails once is tried at the next time.
function refresh(update) {
  const timer = setInterval(() => document.visibilityState === "visible" && update().catch(() => {}), REFRESHED_EVERY);
  page.signal.addEventListener("abort", () => clearInterval(timer));
}

// Draws what is answered, and again when the answer changes: a chart that is looked at stays as it is.
async function follow(path, draw) {
  let shown = null;
  const update = async () => {
    const { now, ...found } = await asked(path);
    const text = JSON.stringify(found);
    if (text !== shown) draw(found);
    shown = text;
  };
  await update();
  refresh(update);
}

function complain(text) {
  main.replaceChildren(element("p", { role: "alert" }, text));
}

// An address that somebody typed may hold a `%` that begins no code: then it is taken as it is.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function mark(link, isCurrent) {
  if (isCurrent) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
}

async function show(event) {
  page.abort();
  const mine = (page = new AbortController());
  const [, view = "", ...rest] = location.hash.split("/");
  const named = decoded(rest.join("/"));
  const asTab = new URLSearchParams(location.search).get("dag");
  document.querySelector("nav").hidden = Boolean(asTab);
  mark(document.getElementById("nav-list"), view === "");
  mark(document.getElementById("nav-day"), view === "day");
  try {
    if (asTab || view === "pipeline") await follow(`data/pipelines/${encodeURIComponent(asTab || named)}`, drawPipeline);
    else if (view === "broken") await follow("data/pipelines", ({ pipelines }) => drawBroken(named, pipelines));
    else if (view === "day") await follow("data/day", drawDay);
    else await showList();
    if (event && view) main.focus({ preventScroll: true }); // a screen reader goes on with what is new
  } catch (error) {
    if (!mine.signal.aborted) complain(error.message);
  }
}

theme();
try {
  if (airflow()) new MutationObserver(theme).observe(airflow(), { attributes: true, attributeFilter: ["class", "data-theme"] });
} catch {
  // As above.
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", theme);
addEventListener("hashchange", show);
show(null);
