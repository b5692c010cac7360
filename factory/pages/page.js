// The last 24 hours, and which view is shown.
"use strict";

function drawDay(found) {
  const begin = new Date(found.begin);
  const most = Math.max(1, ...Object.values(found.runs));
  const cells = [element("span", {}), ...["00", "10", "20", "30", "40", "50"].map((minute) => element("span", { class: "dim" }, `:${minute}`))];
  for (let hour = 24; hour >= 0; hour -= 1) { // the newest first
    const start = new Date(begin.getTime() + hour * 3600e3);
    cells.push(element("span", { class: "dim" }, start.toLocaleTimeString(undefined, { timeStyle: "short" })));
    for (let part = 0; part < 6; part += 1) {
      const runs = found.runs[hour * 6 + part] ?? 0;
      const late = found.late[hour * 6 + part] ?? 0;
      const heat = runs ? Math.max(1, Math.ceil((4 * runs) / most)) : 0;
      const said = `${runs} run${runs === 1 ? "" : "s"}${late ? `, ${late} waited over a minute` : ""}`;
      cells.push(element("span", { class: `cell h${heat}${late ? " late" : ""}`, title: said, "aria-label": said, role: "img" }, runs ? String(runs) : ""));
    }
  }
  const said = `Runs that began, for each ten minutes, in the time of ${ZONE}. A red frame: some waited over a minute for a free slot.`;
  arrange("Last 24 hours", { day: [element("h1", {}, "Last 24 hours"), element("p", { class: "dim" }, said), element("div", { class: "grid" }, cells)] });
}

// -- which view -----------------------------------------------------------------------------------------------

let page = new AbortController();

// Draws what is answered, again and again while the view is open and can be seen. What fails is said, and tried the next
// time: what was shown before stays, unless it may not be read any more.
async function follow(path, draw) {
  const { signal } = page;
  let shown = null;
  const update = async () => {
    try {
      const { now, ...found } = await asked(path);
      const text = JSON.stringify(found);
      if (text !== shown) draw(found);
      shown = text;
      notice.textContent = "";
    } catch (error) {
      if (signal.aborted) return;
      const said = error instanceof TypeError ? "Airflow does not answer." : error.message;
      if (shown === null || error.refused) complain(said);
      else notice.textContent = `${said} This page is not up to date.`;
      shown = error.refused ? null : shown;
    }
  };
  await update();
  const timer = setInterval(() => document.visibilityState === "visible" && update(), REFRESHED_EVERY);
  signal.addEventListener("abort", () => clearInterval(timer));
}

function complain(text) {
  notice.textContent = "";
  main.replaceChildren(element("p", { role: "alert" }, text));
}

// Puts the parts of a view in place, and leaves alone those that are as they were: a chart that is looked at stays.
function arrange(title, parts) {
  document.title = title ? `${title} - Pipelines` : "Pipelines";
  const made = Object.entries(parts).map(([name, nodes]) => {
    const part = element("section", { "data-part": `${name} ${title}` }, nodes);
    part.written = part.innerHTML;
    return part;
  });
  const before = [...main.children];
  if (before.length !== made.length || before.some((part, index) => part.dataset.part !== made[index].dataset.part)) main.replaceChildren(...made);
  else before.forEach((part, index) => part.written !== made[index].written && part.replaceWith(made[index]));
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
  page = new AbortController();
  notice.textContent = "";
  const [, view = "", ...rest] = location.hash.split("/");
  const named = decoded(rest.join("/"));
  const asTab = new URLSearchParams(location.search).get("dag");
  document.querySelector("nav").hidden = Boolean(asTab);
  mark(document.getElementById("nav-list"), view === "");
  mark(document.getElementById("nav-day"), view === "day");
  if (asTab || view === "pipeline") await follow(`data/pipelines/${encodeURIComponent(asTab || named)}`, drawPipeline);
  else if (view === "broken") await follow("data/pipelines", ({ pipelines }) => drawBroken(named, pipelines));
  else if (view === "day") await follow("data/day", drawDay);
  else await follow("data/pipelines", listView());
  if (event && view) main.focus({ preventScroll: true }); // a screen reader goes on with what is new
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
