// The board of opportunities: drag, its keyboard and menu twin, and moves that are shown only once the server agreed.
"use strict";
(() => {
  const { one, all, say, toast } = window.revops;
  const root = document.documentElement;
  const board = () => one("[data-board]");
  const works = () => board()?.dataset.mayWork === "yes";
  const cardOf = (id) => one(`[data-card][data-id="${CSS.escape(String(id))}"]`);
  const shown = (element) => element && element.getClientRects().length > 0;
  const token = () => JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"] || "";

  /* One move: the card is busy, the answer is the new card with the heads of all columns, or a dialog that says why not. */
  const parsed = (html) => new DOMParser().parseFromString(html, "text/html").body;
  const openDialog = (html) => {
    const dialog = one("#dialog");
    dialog.replaceChildren(...parsed(html).childNodes);
    window.htmx.process(dialog);
    if (!dialog.open) dialog.showModal();
  };
  const place = (fresh) => {
    const column = all("[data-column]").find((item) => item.dataset.stage === fresh.dataset.stage) || one('[data-column="closed"]');
    const list = one("[data-cards]", column);
    one(".board-empty", list)?.remove();
    const later = all("[data-card]", list).find((item) => item.dataset.closes > fresh.dataset.closes);
    list.insertBefore(fresh, later || one(".board-more", list));
    return column;
  };
  const settle = (card, html, quiet = false) => {
    const part = parsed(html);
    const fresh = one("[data-card]", part);
    for (const head of all(".board-head, #board-sums", part)) document.getElementById(head.id)?.replaceWith(head);
    if (!fresh) return;
    const hadFocus = card.contains(document.activeElement) || document.activeElement === document.body;
    card.remove();
    const column = place(fresh);
    window.htmx.process(fresh);
    if (hadFocus && shown(fresh)) one("[data-open]", fresh).focus({ preventScroll: true });
    if (!quiet) say(`${one("[data-open]", fresh).textContent} is in ${one("h2", column).textContent} now.`);
  };
  const block = (card, words) => {
    if (!card || !words) return;
    card.classList.add("blocked");
    const line = one("[data-blocked]", card);
    line.textContent = decodeURIComponent(words);
    line.hidden = false;
  };
  const send = async (address, data, card) => {
    if (card?.getAttribute("aria-busy") === "true") return;
    card?.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address + location.search, {
        method: "POST", body: data, headers: { "X-CSRFToken": token(), "HX-Request": "true" },
      });
      const html = await answer.text();
      if (answer.ok) {
        one("dialog[open]")?.close();
        if (card && board()) settle(card, html);
        else location.reload();
      } else if ([409, 422].includes(answer.status) && html.trim()) {
        block(card, answer.headers.get("X-Blocked"));
        openDialog(html);
      } else {
        toast({ text: `The server could not do this (${answer.status}). The deal stays where it was.`, tone: "risk", seconds: 10 });
      }
    } catch {
      toast({ text: "No connection. The deal stays where it was; try again when you are back.", tone: "risk", seconds: 10 });
    } finally {
      card?.removeAttribute("aria-busy");
    }
  };
  const move = (card, stage) => {
    if (!works() || card.dataset.stage === String(stage)) return;
    const data = new FormData();
    data.set("stage", stage);
    data.set("edition", card.dataset.edition);
    send(card.dataset.move, data, card);
  };
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-moves]");
    if (!form) return;
    event.preventDefault();
    const data = new FormData(form);
    const card = cardOf(form.dataset.moves);
    if (card && data.has("edition") && !form.dataset.keeps) data.set("edition", card.dataset.edition);
    send(form.getAttribute("action"), data, card);
  });

  /* What a dialog mended is shown beneath it once it is closed. */
  let mended = null;
  document.addEventListener("deal-mended", (event) => { mended = event.detail.id; });
  document.addEventListener("close", async (event) => {
    if (event.target.id !== "dialog" || !mended) return;
    const card = cardOf(mended);
    mended = null;
    if (!card) return void (board() || location.reload());
    const answer = await fetch(card.dataset.move.replace(/move\/$/, "card/") + location.search);
    if (answer.ok) settle(card, await answer.text(), true);
  }, true);

  /* The menu of stages, opened by a card's button, by M, and by a drop on the closed column. */
  let chosen = null;
  const openMenu = (card, kinds, anchor) => {
    const menu = one("[data-stage-menu]");
    if (!menu || !works()) return;
    chosen = card;
    one("[data-stage-menu-title]", menu).textContent = `Move ${one("[data-open]", card).textContent} to`;
    for (const item of all("[data-to-stage]", menu)) {
      item.hidden = item.dataset.toStage === card.dataset.stage || (kinds && !kinds.includes(item.dataset.kind));
    }
    menu.showPopover();
    const box = (anchor || card).getBoundingClientRect();
    menu.style.left = `${Math.max(8, Math.min(box.left, innerWidth - menu.offsetWidth - 8))}px`;
    menu.style.top = `${Math.max(8, Math.min(box.bottom + 4, innerHeight - menu.offsetHeight - 8))}px`;
    all("[data-to-stage]", menu).find((item) => !item.hidden)?.focus();
  };
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-move-menu]");
    if (opener) openMenu(opener.closest("[data-card]"), null, opener);
    const item = event.target.closest("[data-to-stage]");
    if (item && chosen) {
      one("[data-stage-menu]").hidePopover();
      one("[data-open]", chosen).focus({ preventScroll: true });
      move(chosen, item.dataset.toStage);
    }
  });
  document.addEventListener("keydown", (event) => {
    const item = event.target.closest?.("[data-to-stage]");
    if (!item || event.key.length !== 1 || event.ctrlKey || event.metaKey) return;
    // A letter goes to the next stage that begins with it, as in a native menu.
    const items = all("[data-to-stage]", item.parentElement).filter((other) => !other.hidden);
    const from = items.indexOf(item) + 1;
    [...items.slice(from), ...items.slice(0, from)]
      .find((other) => other.dataset.name.toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
  });

  /* Arrows go between cards and columns; M opens the menu of the card that has the focus. */
  const step = (card, key) => {
    const list = all("[data-card]", card.closest("[data-column]")).filter(shown);
    const at = list.indexOf(card);
    if (key === "ArrowDown" || key === "ArrowUp") return list[at + (key === "ArrowDown" ? 1 : -1)];
    const columns = all("[data-column]").filter((item) => shown(item) && one("[data-card]", item));
    const next = columns[columns.indexOf(card.closest("[data-column]")) + (key === "ArrowRight" ? 1 : -1)];
    const others = next ? all("[data-card]", next) : [];
    return others[Math.min(at, others.length - 1)];
  };
  document.addEventListener("keydown", (event) => {
    const card = event.target.closest?.("[data-card]");
    if (!card || event.ctrlKey || event.metaKey || event.altKey || one("dialog[open], :popover-open")) return;
    if (event.key.startsWith("Arrow")) {
      const next = step(card, event.key);
      if (next) {
        event.preventDefault();
        const link = one("[data-open]", next);
        link.focus({ preventScroll: true });
        next.scrollIntoView({ block: "nearest", inline: "nearest" });
      }
    } else if (event.key.toLowerCase() === "m" && !root.classList.contains("no-keys")) {
      event.preventDefault();
      openMenu(card);
    }
  });

  /* Drag and drop. */
  let dragged = null;
  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.('[data-card][draggable="true"]') || null;
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.clearData();  // the name is a link, and would be dragged as its address
    event.dataTransfer.setDragImage(dragged, 24, 24);
    event.dataTransfer.setData("text/plain", one("[data-open]", dragged).textContent);
    dragged.classList.add("dragged");
  });
  const over = (column) => {
    for (const item of all("[data-column].over")) if (item !== column) item.classList.remove("over");
    column?.classList.add("over");
  };
  document.addEventListener("dragover", (event) => {
    const column = dragged && event.target.closest?.("[data-column]");
    over(column);
    if (column) event.preventDefault();
  });
  document.addEventListener("dragend", () => {
    dragged?.classList.remove("dragged");
    dragged = null;
    over(null);
  });
  document.addEventListener("drop", (event) => {
    const column = dragged && event.target.closest?.("[data-column]");
    if (!column) return;
    event.preventDefault();
    const card = dragged;
    over(null);
    if (column.dataset.stage) move(card, column.dataset.stage);
    else openMenu(card, ["won", "lost"], one(".board-head", column));
  });

  /* On a phone one column is shown at a time. */
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-board-stage]")) return;
    for (const column of all("[data-column]")) column.classList.toggle("shown", column.dataset.column === event.target.value);
  });

  /* Forms of steps: one more line when the last one is used. */
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-add-step]");
    if (!button) return;
    const list = one("[data-steps]", button.closest("form"));
    const line = list.lastElementChild.cloneNode(true);
    for (const field of all("input", line)) field.value = "";
    list.append(line);
    one("input", line).focus();
  });
})();
