// The page "Pipelines". Everything that comes from a pipeline is put in as text, never as HTML.
"use strict";

const main = document.getElementById("main");
const notice = document.getElementById("notice");
const DOTS = { success: "●", failed: "✖", running: "◐", queued: "○" };
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const REFRESHED_EVERY = 15_000;
const REFUSED = {
  401: "You are not logged in. Reload the page of Airflow.",
  403: "You may not read this pipeline.",
  404: "There is no such pipeline. It may have been removed or renamed.",
};

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
  throw Object.assign(new Error(REFUSED[answer.status] ?? `Airflow answered ${answer.status}.`), { refused: answer.status in REFUSED });
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
