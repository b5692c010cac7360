// One pipeline.
"use strict";

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
  arrange(found.name, {
    head: [element("h1", {}, found.name, " ", element("span", { class: `state ${found.state}` }, found.state)), element("div", { class: "dim" }, found.description)],
    findings: findings(found.findings).flat(),
    facts: facts([["file", found.file], ["schedule", found.schedule], ["cron", found.cron], ["next runs", found.next_runs.map(when)], ["owner", found.owner],
      ["tags", found.tags], ["starts after", found.reads], ["updates", found.writes], ["connections", found.uses.connections],
      ["tables", found.uses.tables], ["hosts", found.uses.hosts], ["watermark", found.watermarks]]),
    runs: ["Last runs: ", dots(found.runs)],
    polls: polled(found.polls),
    charts: frames("Charts", "chart", found.charts, found.id, "allow-scripts"),
    models: frames("Models", "model", found.models, found.id, ""),
    inForce: inForce(found.in_force),
    // Airflow has the text that was last read without an error; lines of the new one would mark others in it.
    text: [element("h2", {}, found.state === "broken" ? "As it was before it broke" : "As it is written"),
      found.text ? source(found.text, found.state === "broken" ? [] : found.findings, "The pipeline as it is written") : element("p", { class: "dim" }, "Its text is not in Airflow's database.")],
  });
  document.getElementById("in-force")?.toggleAttribute("open", isOpen);
}

// Two bundles may have a file of one name.
function drawBroken(file, pipelines) {
  const found = pipelines.filter((pipeline) => pipeline.file === file && pipeline.state === "broken").flatMap((pipeline) => pipeline.findings);
  if (!found.length) complain("There is no such file, or it has been repaired. Go back to the list.");
  else arrange(file, { head: [element("h1", {}, file, " ", element("span", { class: "state broken" }, "broken"))], findings: findings(found).flat() });
}
