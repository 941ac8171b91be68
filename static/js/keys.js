// The keyboard: rows with J and K, keys that buttons announce with data-key, and G to go somewhere.
// Never inside a field or a dialog, never with Ctrl or Alt (except Ctrl K), and off when the person says so.
"use strict";
(() => {
  const { one, all } = window.revops;
  const root = document.documentElement;
  let going = 0;

  const seen = (element) => element && element.getClientRects().length > 0;
  const rows = () => all("[data-row]").filter(seen);
  const current = () => one("[data-row].current");

  const moveTo = (row) => {
    current()?.classList.remove("current");
    if (!row) return;
    row.classList.add("current");
    if (!row.hasAttribute("tabindex")) row.tabIndex = -1;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
    row.dispatchEvent(new CustomEvent("row-chosen", { bubbles: true }));
  };
  const step = (by) => {
    const list = rows();
    if (!list.length) return false;
    const at = list.indexOf(current());
    moveTo(list[Math.min(list.length - 1, Math.max(0, at + by))]);
    return true;
  };
  const press = (element) => {
    if (!seen(element)) return false;
    if (element.matches("input:not([type=checkbox]), select, textarea")) element.focus();
    else element.click();
    return true;
  };
  const search = () => {
    const field = all("[data-search]").find(seen);
    field?.focus();
    field?.select?.();
    return Boolean(field);
  };

  // Neighbours of the chosen one of a row of things, such as the stages of the journey.
  const neighbour = (by) => {
    const list = all("[data-arrows]").filter(seen);
    const at = list.findIndex((item) => item.hasAttribute("aria-current"));
    return list[at + by] || null;
  };

  const plain = {
    arrowleft: () => press(neighbour(-1)),
    arrowright: () => press(neighbour(1)),
    j: () => step(1),
    k: () => step(-1),
    x: () => press(one("[data-select]", current() || undefined)),
    enter: () => current() === document.activeElement && press(one("[data-open], a[href]", current())),
    z: () => press(all("[data-undo]").filter(seen).pop()),
    "/": search,
    "?": () => press(one("[data-help]")),
  };

  const onKey = (key) => {
    if (Date.now() - going < 1500) {
      going = 0;
      const goal = one(`[data-go="${CSS.escape(key)}"]`);
      if (goal) {
        goal.click();
        return true;
      }
    }
    if (key === "g") {
      going = Date.now();
      return true;
    }
    const row = current();
    if (row && press(one(`[data-key="${CSS.escape(key)}"]`, row))) return true;
    if (plain[key]?.()) return true;
    if (/^[1-9]$/.test(key)) return press(all("[data-tab-keys] > *")[Number(key) - 1]);
    return press(all(`[data-key="${CSS.escape(key)}"]`).find((item) => !item.closest("[data-row]")));
  };

  document.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && key === "k" && !event.shiftKey && !event.altKey) {
      if (search()) event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (root.classList.contains("no-keys") || one("dialog[open], :popover-open")) return;
    if (event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]")) {
      if (key === "escape") event.target.blur();
      return;
    }
    if (key === "enter" && event.target.closest("a, button, summary, input")) return;
    if (onKey(key)) event.preventDefault();
  });

  // After a row is answered, the next one is the current one: a person works down the list without reaching for it.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const row = event.detail.target.closest?.("[data-row].current");
    if (!row) return;
    const list = rows();
    const next = list[list.indexOf(row) + 1];
    if (next) requestAnimationFrame(() => moveTo(next));
  });
  document.addEventListener("click", (event) => {
    const row = event.target.closest("[data-row]");
    if (row && !event.target.closest("a, button, input, label, select, textarea")) moveTo(row);
  });
})();
