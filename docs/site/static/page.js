// Loaded in the head of every page, before its frames: see ../frames.py.

window.ptlabWhole = (page) => page.replace(/\{\{ptlab:([\w.]+)\}\}/g, (_, name) => window.ptlabPlayers[name]);

addEventListener("DOMContentLoaded", () => {
  // What scrolls sideways on a small screen can be scrolled from the keyboard, too.
  for (const wide of document.querySelectorAll("pre, .table-wrapper, .output.text_html")) wide.tabIndex = 0;
  // What the theme leaves out for who hears the page.
  for (const caption of document.querySelectorAll(".caption[role=heading]")) caption.setAttribute("aria-level", 2);
  for (const [part, name] of [[".sidebar-drawer", "Pages"], [".toc-drawer", "On this page"]]) {
    document.querySelector(part)?.setAttribute("aria-label", name);
  }
  if (!document.querySelector("h1")) {
    const [textContent] = document.title.split(" - ");
    document.querySelector("article")?.prepend(Object.assign(document.createElement("h1"), { textContent }));
  }
  for (const empty of document.querySelectorAll("th")) {
    if (!empty.textContent.trim()) empty.replaceWith(document.createElement("td"));
  }
});
