// The list of all pipelines.
"use strict";

const HEIGHT = () => (matchMedia("(max-width: 700px)").matches ? 124 : 56);

function row(pipeline, index) {
  const name = pipeline.id
    ? element("a", { href: `#/pipeline/${encodeURIComponent(pipeline.id)}` }, pipeline.name)
    : element("a", { href: `#/broken/${encodeURIComponent(pipeline.file)}` }, pipeline.name);
  const first = pipeline.findings[0];
  const below = first ? first.text.split("\n")[0] : `${pipeline.file}${pipeline.description ? ` · ${pipeline.description}` : ""}`;
  const made = element("div", { class: "row", role: "row", "aria-rowindex": index + 1 },
    element("div", { role: "cell" }, name, element("small", { title: below }, below),
      [pipeline.schedule, pipeline.next && `next ${when(pipeline.next)}`].filter(Boolean).map((text) => element("small", { class: "narrow" }, text))),
    element("div", { role: "cell", class: `state ${pipeline.state}` }, pipeline.state),
    element("div", { role: "cell", class: "when", title: pipeline.cron }, pipeline.schedule),
    element("div", { role: "cell", class: "next" }, pipeline.next ? when(pipeline.next) : pipeline.paused ? "paused" : ""),
    element("div", { role: "cell", class: "runs" }, dots(pipeline.runs)));
  made.style.top = `${index * HEIGHT()}px`;
  return made;
}

// What can be chosen changes with the answers; what is chosen stays.
function offer(select, values, label) {
  const chosen = select.value;
  const offered = [...new Set([...values, chosen])].filter(Boolean).sort().map((value) => element("option", { value }, value));
  select.replaceChildren(element("option", { value: "" }, label), ...offered);
  select.value = chosen;
}

function listView() {
  let listed = [];
  const folder = (pipeline) => pipeline.file.split("/").slice(0, -1).join("/");
  const search = element("input", { type: "search", "aria-label": "Search pipelines", placeholder: "Name, file, schedule" });
  const [state, inFolder, tag, owner] = ["State", "Folder", "Tag", "Owner"].map((name) => element("select", { "aria-label": name }));
  const count = element("span", { class: "dim", role: "status" });
  const rows = element("div", { class: "rows", role: "table", "aria-label": "Pipelines" });
  const heads = ["Pipeline", "State", "Schedule", `Next run (${ZONE})`, "Last runs"].map((name) => element("div", {}, name));
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
  for (const control of [search, state, inFolder, tag, owner]) control.addEventListener("input", filter);
  addEventListener("scroll", draw, { passive: true, signal: page.signal });
  addEventListener("resize", draw, { signal: page.signal });
  return ({ pipelines }) => {
    listed = pipelines;
    offer(state, listed.map((p) => p.state), "any state");
    offer(inFolder, listed.map(folder), "any folder");
    offer(tag, listed.flatMap((p) => p.tags), "any tag");
    offer(owner, listed.map((p) => p.owner), "any owner");
    if (!rows.isConnected) {
      document.title = "Pipelines";
      main.replaceChildren(element("h1", {}, "Pipelines"), element("div", { class: "tools" }, search, state, inFolder, tag, owner, count),
        element("div", { class: "row head dim", "aria-hidden": "true" }, heads), rows);
      search.focus({ preventScroll: true });
    }
    filter();
  };
}
