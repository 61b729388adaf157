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

let goPressed = false;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "/") {
    if (focusSearch()) event.preventDefault();
  } else if (event.key === "?") {
    document.getElementById("keys").showModal();
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

// Signed out meanwhile: show the sign-in page as a page, not inside a table.
document.addEventListener("htmx:beforeSwap", (event) => {
  const address = event.detail.xhr.responseURL;
  if (address && new URL(address).pathname === document.body.dataset.signIn) {
    event.detail.shouldSwap = false;
    window.location.reload();
  }
});

// A running log stays at its end.
function logsToEnd() {
  document.querySelectorAll("pre.log").forEach((log) => { log.scrollTop = log.scrollHeight; });
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
