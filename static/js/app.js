// Behaviour that pages share: errors of requests, messages, menus, dialogs, theme, selection, undo. No framework.
// Everything hangs on data attributes and works on content that htmx brings later. See docs/ui.md.
"use strict";
(() => {
  const root = document.documentElement;
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const remember = (name, value) => {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `${name}=${value}; path=/; max-age=${value ? 31536000 : 0}; samesite=lax${secure}`;
  };

  /* Messages: one polite region for screen readers, one stack that floats for everybody. */
  const say = (text) => {
    const region = one("#live");
    if (region) region.textContent = text;
  };
  const toast = ({ text, tone = "ok", seconds = 6, action = null }) => {
    const stack = one("#toasts");
    const form = one(`#toast-${tone}`) || one("#toast-ok");
    if (!stack || !form) return;
    const item = form.content.firstElementChild.cloneNode(true);
    one(".toast-text", item).textContent = text;
    if (action) {
      const button = one(".toast-action", item);
      button.textContent = action.label;
      button.hidden = false;
      button.addEventListener("click", () => { item.remove(); action.run(); });
    }
    one("[data-dismiss]", item).addEventListener("click", () => item.remove());
    while (stack.children.length > 2) stack.firstElementChild.remove();
    stack.append(item);
    say(text);
    if (seconds) setTimeout(() => item.remove(), seconds * 1000);
  };
  const reload = { label: "Load again", run: () => location.reload() };

  /* Failed requests. htmx is silent about them; a person must always see that something was not done. */
  const failures = {
    400: "The server did not understand this. Nothing was changed.",
    403: "You do not have the right to do this. Nothing was changed.",
    404: "This is not here any more.",
    409: "Someone else changed this. Load it again to see both values.",
    413: "The file is too large.",
    422: "Not saved. See the marked fields.",
    429: "Too many tries. Wait a minute, then try again.",
    503: "The server is starting or busy. Nothing was changed; try again in a minute.",
  };
  const told = (xhr) => {
    const type = xhr.getResponseHeader("X-Message");
    return type ? decodeURIComponent(type) : null;
  };
  document.addEventListener("htmx:responseError", (event) => {
    const { xhr } = event.detail;
    const text = told(xhr) || failures[xhr.status]
      || `The server could not do this (${xhr.status}). What was saved before is safe.`;
    const again = [404, 409].includes(xhr.status) || xhr.status >= 500;
    toast({ text, tone: xhr.status === 422 ? "warn" : "risk", seconds: again ? 0 : 10, action: again ? reload : null });
  });
  document.addEventListener("htmx:sendError", () => {
    toast({ text: "No connection. Nothing was sent; try again when you are back.", tone: "risk", seconds: 10 });
  });
  document.addEventListener("htmx:timeout", () => {
    toast({ text: "No answer in time. Load the page again to see what was saved.", tone: "risk", seconds: 0, action: reload });
  });
  document.addEventListener("htmx:swapError", () => {
    toast({ text: "The answer could not be shown.", tone: "risk", seconds: 0, action: reload });
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    // A session that ended answers a part of a page with the sign-in page: go there instead of showing it inside.
    if (xhr.responseURL && new URL(xhr.responseURL).pathname === root.dataset.signIn) {
      event.detail.shouldSwap = false;
      location.assign(`${root.dataset.signIn}?next=${encodeURIComponent(location.pathname + location.search)}`);
    }
    if (xhr.status >= 400 && !xhr.responseText.trim()) event.detail.shouldSwap = false;
  });
  document.addEventListener("toast", (event) => toast(event.detail));
  window.addEventListener("offline", () => {
    toast({ text: "You are offline. What you do now is not sent.", tone: "warn", seconds: 0 });
  });
  window.addEventListener("online", () => toast({ text: "You are back online." }));

  /* A thin line at the top once a request takes longer than 150 ms. */
  let running = 0;
  const busy = (step) => {
    running = Math.max(0, running + step);
    root.classList.toggle("busy", running > 0);
  };
  const isQuiet = (event) => Boolean(event.detail.elt?.closest?.("[data-quiet]"));
  document.addEventListener("htmx:beforeSend", (event) => {
    event.detail.xhr.counted = !isQuiet(event);
    if (event.detail.xhr.counted) busy(1);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.xhr.counted) busy(-1);
  });

  /* Menus are native popovers; only their place is set here. */
  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!menu.matches(".menu") || event.newState !== "open") return;
    const opener = one(`[popovertarget="${menu.id}"]`);
    if (!opener) return;
    const box = opener.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = menu;
    const left = menu.classList.contains("from-right") ? box.right - width : box.left;
    const below = box.bottom + 4 + height < innerHeight;
    menu.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
    menu.style.top = `${below ? box.bottom + 4 : Math.max(8, box.top - height - 4)}px`;
    one(".menu-item", menu)?.focus({ preventScroll: true });
  }, true);
  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.(".menu");
    if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
    const items = all(".menu-item", menu);
    const at = items.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    items[(at + items.length) % items.length].focus();
    event.preventDefault();
  });

  /* Dialogs are native; focus goes back where it came from by itself, and by its id where an answer drew that anew
     meanwhile. #dialog opens when htmx fills it. */
  let opener = "";
  document.addEventListener("htmx:afterSwap", (event) => {
    const { target } = event.detail;
    if (!target.matches("dialog") || !target.innerHTML.trim() || target.open) return;
    opener = document.activeElement?.id;
    target.showModal();
  });
  document.addEventListener("close-dialog", () => one("dialog[open]")?.close());
  document.addEventListener("close", (event) => {
    if (event.target.id !== "dialog") return;
    event.target.replaceChildren();
    if (opener && document.activeElement === document.body) document.getElementById(opener)?.focus();
  }, true);

  /* The focus is never lost to the page. Where an answer took away what had it, it goes on in the same part: to what is
     wrong, else to what the part says comes next, else to its first control. A refused page starts at what is wrong. */
  const goesOn = (part) => ['[aria-invalid="true"]', "[data-focus]", ".dialog-body :is(input, select, textarea, button, summary)",
    ":is(a[href], button, input, select, textarea, summary)"]
    .flatMap((selector) => all(selector, part)).find((item) => !item.disabled && item.type !== "hidden" && item.checkVisibility());
  let held = "";
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target } = event.detail;
    held = target.id && target.contains(document.activeElement) ? target.id : held;
  });
  document.addEventListener("htmx:afterSettle", () => {
    const part = held && document.getElementById(held);
    held = "";
    const lost = !document.activeElement || document.activeElement.matches("body, dialog");
    if (part && lost && !one("[data-countdown]", part)) goesOn(part)?.focus();
  });
  document.addEventListener("DOMContentLoaded", () => {
    if (document.activeElement === document.body) one('main :is([aria-invalid="true"], [data-refused])')?.focus();
  });

  const setTheme = (choice) => {
    if (choice === "system") delete root.dataset.theme;
    else root.dataset.theme = choice;
    remember("theme", choice === "system" ? "" : choice);
    markTheme();
    document.dispatchEvent(new CustomEvent("theme-changed"));
  };
  const markTheme = () => {
    const now = root.dataset.theme || "system";
    for (const item of all("[data-set-theme]")) item.setAttribute("aria-pressed", String(item.dataset.setTheme === now));
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    document.dispatchEvent(new CustomEvent("theme-changed"));
  });

  /* Selection: row boxes, "all on this page", the bar with the count. */
  const amountOf = (chosen, currency) => {
    const minor = chosen.reduce((sum, box) => sum + Number(box.dataset.amount || 0), 0);
    const digits = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
    return new Intl.NumberFormat("en", { style: "currency", currency, currencyDisplay: "narrowSymbol", maximumFractionDigits: 0 })
      .format(minor / 10 ** digits);
  };
  const showSelection = () => {
    const boxes = all("[data-select]");
    const chosen = boxes.filter((box) => box.checked);
    for (const box of boxes) box.closest("[data-row]")?.classList.toggle("selected", box.checked);
    const every = one("[data-select-all]");
    if (every) {
      every.checked = boxes.length > 0 && chosen.length === boxes.length;
      every.indeterminate = chosen.length > 0 && chosen.length < boxes.length;
    }
    const barOf = one("[data-bulk]");
    if (!barOf) return;
    barOf.hidden = chosen.length === 0;
    const everything = one("[data-bulk-everything]", barOf);
    if (everything && (chosen.length === 0 || chosen.length < boxes.length)) everything.checked = false;
    const count = one("[data-bulk-count]", barOf);
    if (count) count.textContent = everything?.checked ? "All selected" : `${chosen.length} selected`;
    const sum = one("[data-bulk-sum]", barOf);
    if (sum) sum.textContent = everything?.checked ? "" : ` · ${amountOf(chosen, sum.dataset.currency)}`;
  };

  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field.matches("[data-select-all]")) {
      for (const box of all("[data-select]")) box.checked = field.checked;
      showSelection();
    } else if (field.matches("[data-select]")) {
      showSelection();
    } else if (field.matches("[data-bulk-everything]")) {
      for (const box of all("[data-select]")) box.checked = field.checked;
      showSelection();
    } else if (field.matches("[data-submit-on-change]")) {
      field.form.requestSubmit();
    } else if (field.matches("[data-keys-switch]")) {
      remember("keys", field.checked ? "" : "off");
      root.classList.toggle("no-keys", !field.checked);
    }
  });

  document.addEventListener("click", (event) => {
    const hit = event.target.closest("[data-opens], [data-closes], [data-set-theme], [data-reveal], [data-clear-selection], [data-reload], [data-print]");
    if (event.target.matches("dialog[open]")) {
      const box = event.target.getBoundingClientRect();
      const outside = event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
      if (outside && event.detail) event.target.close();
    }
    if (!hit) return;
    if (hit.dataset.opens) one(`#${hit.dataset.opens}`)?.showModal();
    if ("closes" in hit.dataset) hit.closest("dialog")?.close();
    if (hit.dataset.setTheme) setTheme(hit.dataset.setTheme);
    if ("reload" in hit.dataset) location.reload();
    if ("print" in hit.dataset) print();
    if ("clearSelection" in hit.dataset) {
      for (const box of all("[data-select]")) box.checked = false;
      showSelection();
    }
    if (hit.dataset.reveal) {
      const field = one(`#${hit.dataset.reveal}`);
      const hidden = field.type === "password";
      field.type = hidden ? "text" : "password";
      hit.setAttribute("aria-pressed", String(hidden));
      hit.setAttribute("aria-label", hidden ? "Hide password" : "Show password");
    }
  });

  /* Undo: a row that says "Undo 8 s" counts down, then folds away. Its own request is an ordinary htmx button. */
  const countDown = (row) => {
    const shown = one("[data-seconds]", row);
    let left = Number(row.dataset.countdown);
    const timer = setInterval(() => {
      if (!row.isConnected) return clearInterval(timer);
      if (row.matches(":focus-within, :hover")) return undefined;
      left -= 1;
      if (shown) shown.textContent = `${Math.max(left, 0)} s`;
      if (left > 0) return undefined;
      clearInterval(timer);
      row.classList.add("leaving");
      setTimeout(() => row.remove(), 200);
      return undefined;
    }, 1000);
  };

  /* Whatever htmx brings is set up the same way as what the page came with. */
  const setUp = (part) => {
    for (const row of all("[data-countdown]:not([data-running])", part)) {
      row.dataset.running = "";
      countDown(row);
    }
    if (part.matches?.("[data-countdown]:not([data-running])")) {
      part.dataset.running = "";
      countDown(part);
    }
    for (const message of all("[data-say]", part)) say(message.dataset.say);
    for (const waiting of all("#toasts > [data-toast]")) {
      toast({ text: waiting.textContent.trim(), tone: waiting.dataset.toast });
      waiting.remove();
    }
    // What scrolls sideways and holds nothing to focus must itself be reachable by keyboard.
    for (const area of all(".figures, .card:has(> .table), .chart-table", part)) {
      if (area.scrollWidth > area.clientWidth && !one("a, button, input", area)) area.tabIndex = 0;
    }
    markTheme();
    showSelection();
  };
  document.addEventListener("htmx:load", (event) => setUp(event.detail.elt));
  document.addEventListener("DOMContentLoaded", () => setUp(document));
  window.revops = { say, toast, one, all };
})();
