// Keys, rows that open in place, charts that fit: what links and forms alone cannot do. Every page works without it.
"use strict";

const typing = (element) => element.closest("input, textarea, select, [contenteditable]");

function focusSearch() {
  const box = document.querySelector("input[type=search]");
  if (!box) return false;
  box.focus();
  box.select();
  return true;
}

// The first link of the next or previous row of the table has the focus: Enter opens it as ever.
function stepRow(by) {
  const rows = [...document.querySelectorAll("main tbody tr")].filter((row) => row.querySelector("a:not([data-opens])"));
  if (!rows.length) return false;
  const at = rows.indexOf(document.activeElement.closest("tbody tr"));
  const row = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1)];
  row.querySelector("a:not([data-opens])").focus();
  return true;
}

let goPressed = false;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "/") {
    if (!focusSearch()) document.querySelector(".to-search")?.click();
    event.preventDefault();
  } else if (event.key === "s") {
    if (!document.getElementById("search-q")) document.querySelector(".to-search")?.click();
    else if (focusSearch()) event.preventDefault();
  } else if (event.key === "?") {
    document.getElementById("keys").showModal();
  } else if (event.key === "j" || event.key === "k") {
    if (stepRow(event.key === "j" ? 1 : -1)) event.preventDefault();
  } else if (event.key === "x") {
    document.activeElement.closest("tbody tr")?.querySelector("input[type=checkbox]")?.click();
  } else if (event.key === "n") {
    document.querySelector("a[rel=next]")?.click();
  } else if (event.key === "m") {
    document.querySelector(".rail a")?.focus();
  } else if (!goPressed && /^[1-9]$/.test(event.key)) {
    document.activeElement.closest("tr")?.querySelector(`button[data-key="${event.key}"]`)?.click();
  } else if (goPressed && /^[1-9]$/.test(event.key)) {
    document.querySelectorAll(".rail a")[Number(event.key) - 1]?.click();
  }
  goPressed = event.key === "g";
});

// A row that is open closes again instead of asking once more.
document.addEventListener("htmx:beforeRequest", (event) => {
  const opener = event.target;
  if (!opener.matches("[data-opens]")) return;
  const below = opener.closest("tr").nextElementSibling;
  if (below?.matches("tr.opened")) {
    event.preventDefault();
    below.remove();
    opener.setAttribute("aria-expanded", "false");
  } else {
    opener.setAttribute("aria-expanded", "true");
  }
});

// A branch of a tree asks for its twigs once, when it is first opened.
document.addEventListener("toggle", (event) => {
  const branch = event.target;
  if (branch.matches("details[data-branch]") && branch.open) htmx.trigger(branch, "unfold");
}, true);

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
  const copies = event.target.closest("[data-copied]");
  if (!copies) return;
  copies.parentElement.querySelector("input").select();
  document.execCommand("copy"); // the newer way is closed to pages that come over plain HTTP, as many offices serve them
  copies.textContent = copies.dataset.copied;
});

// A slider of months says the month that it stands at while it is moved; the server answers once it rests.
document.addEventListener("input", (event) => {
  const slider = event.target;
  if (!slider.matches("input[type=range][data-months]")) return;
  const at = Number(slider.value);
  const month = `${Math.floor(at / 12)}-${String((at % 12) + 1).padStart(2, "0")}`;
  slider.setAttribute("aria-valuetext", month);
  slider.form.querySelector("output").value = month;
});

// What failed on the way is said where it was asked for, never silently.
document.addEventListener("htmx:responseError", (event) => say(event.detail.elt));
document.addEventListener("htmx:sendError", (event) => say(event.detail.elt));

function say(element) {
  const text = document.body.dataset.unreachable;
  if (!text) return;
  const line = document.createElement("p");
  line.className = "said error";
  line.setAttribute("role", "alert");
  line.textContent = text;
  document.getElementById("main").prepend(line);
  element?.classList.remove("htmx-request");
}

// An answer that comes while someone goes on typing leaves their hands alone: the field stays where it is on the screen
// with what was typed meanwhile, and what was unfolded stays so. If the question is gone, the next one has the focus.
let held = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const live = event.detail.target.closest("[data-keeps]");
  const field = document.activeElement;
  held = live && {
    live: live.id, scrolled: live.querySelector("aside")?.scrollTop,
    unfolded: [...live.querySelectorAll("details[open]:not([data-unfolded])")].map((each) => each.id),
    field: live.contains(field) && field.id, top: field.getBoundingClientRect().top,
    text: field.matches("input[type=text]") ? field.value : null, at: field.selectionStart,
  };
});
document.addEventListener("htmx:afterSwap", () => {
  const was = held;
  const live = was && document.getElementById(was.live);
  held = null;
  if (!live) return;
  was.unfolded.forEach((id) => { const again = document.getElementById(id); if (again) again.open = true; });
  if (was.scrolled) live.querySelector("aside").scrollTop = was.scrolled;
  if (!was.field) return;
  const field = document.getElementById(was.field);
  if (!field) return document.getElementById(live.dataset.first)?.focus();
  window.scrollBy(0, field.getBoundingClientRect().top - was.top);
  if (was.text === null || was.text.trim() === field.value) return;
  field.value = was.text;
  field.setSelectionRange(was.at, was.at);
  htmx.trigger(field, "change");
});

// Signed out meanwhile: show the sign-in page as a page, not inside a table.
document.addEventListener("htmx:beforeSwap", (event) => {
  const address = event.detail.xhr.responseURL;
  if (address && new URL(address).pathname === document.body.dataset.signIn) {
    event.detail.shouldSwap = false;
    window.location.reload();
  }
});

// A running log stays at its end, unless someone reads further up in it.
let readingAt = null;
document.addEventListener("scroll", (event) => {
  const log = event.target;
  if (log.matches?.("pre.log")) readingAt = log.scrollTop + log.clientHeight < log.scrollHeight - 8 ? log.scrollTop : null;
}, true);
function logsToEnd() {
  document.querySelectorAll("pre.log").forEach((log) => { log.scrollTop = readingAt ?? log.scrollHeight; });
}
document.addEventListener("htmx:afterSettle", logsToEnd);
logsToEnd();

// A chart that is pointed at is drawn anew here, by the bundle that this server brings along, so that each bar tells
// its exact figure. Expressions are interpreted, never compiled: the content policy forbids that.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-point]");
  if (!button) return;
  button.disabled = true;
  try {
    await import(button.dataset.point);
    const options = { mode: "vega-lite", ast: true, renderer: "svg", actions: false, defaultStyle: false, tooltip: { disableDefaultStyle: true } };
    for (const width of ["wide", "narrow"]) {
      const place = button.parentElement.querySelector(`.${width}`);
      const drawn = document.createElement("div");
      await window.vegaEmbed(drawn, JSON.parse(button.dataset[width]), options);
      place.replaceChildren(drawn);
    }
    button.remove();
  } catch {
    say(button);
  }
});
