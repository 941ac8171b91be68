// The playbook's page: steps move by Alt and arrows or by hand, Ctrl S saves. A play's page: texts are copied.
"use strict";
(() => {
  const { one, all, toast } = window.revops;
  const form = () => one("#playbook-form");
  // One field carries the act, so that a move by keyboard, by hand and by button is the same request.
  const act = (text, focus) => {
    const place = one("#playbook-act");
    if (!place) return;
    place.value = text;
    if (focus) pending = focus;
    form().requestSubmit();
  };
  let pending = "";

  // What is changed is saved, but for fields that only serve the button beside them.
  document.addEventListener("change", (event) => {
    if (event.target.form?.id === "playbook-form" && !event.target.closest("[data-no-save]")) {
      event.target.form.dispatchEvent(new Event("save"));
    }
  });

  document.addEventListener("keydown", (event) => {
    const step = event.target.closest?.("[data-step]");
    const way = { ArrowUp: "up", ArrowDown: "down" }[event.key];
    if (event.altKey && way && step && form()) {
      event.preventDefault();
      act(`move:${step.dataset.step}:${way}`, step.dataset.step);
      return;
    }
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s" && form()) {
      event.preventDefault();
      if (one("#playbook-act")) one("#playbook-act").value = "";
      form().requestSubmit();
      return;
    }
    // Enter in a field that only serves the button beside it presses that button.
    const add = event.key === "Enter" && event.target.matches?.("input") && event.target.closest("[data-add]");
    if (add) {
      event.preventDefault();
      one(`#${CSS.escape(add.dataset.add)}`).click();
      return;
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && !one("dialog[open]")) {
      const send = one("[data-finish-step]:not(:disabled)");
      if (send) {
        event.preventDefault();
        send.click();
      }
    }
  });

  // A button that goes with its answer names where the focus goes then.
  let then = "";
  document.addEventListener("submit", (event) => {
    then = event.submitter?.dataset.then ?? "";
  }, true);

  // After the answer the moved step has the focus again, so that it can be moved on.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "playbook" && then) {
      const field = one("#playbook [aria-invalid]") ?? one(`#${CSS.escape(then)}`);
      then = "";
      field?.focus();
    }
    if (!pending) return;
    const button = one(`[data-step="${CSS.escape(pending)}"] [data-open]`);
    pending = "";
    button?.focus();
  });

  /* By hand: the handle drags its step; where it is let go, it takes that place. */
  let dragged = null;
  const clear = () => {
    for (const row of all(".drop-here")) row.classList.remove("drop-here");
  };
  document.addEventListener("dragstart", (event) => {
    const handle = event.target.closest?.(".step-handle");
    if (!handle) return;
    dragged = handle.closest("[data-step]");
    dragged.classList.add("dragged");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.step);
  });
  document.addEventListener("dragover", (event) => {
    const over = event.target.closest?.("[data-step]");
    if (!dragged || !over) return;
    event.preventDefault();
    clear();
    over.classList.add("drop-here");
  });
  document.addEventListener("drop", (event) => {
    const over = event.target.closest?.("[data-step]");
    if (!dragged || !over) return;
    event.preventDefault();
    const place = all("[data-step]").indexOf(over);
    if (over !== dragged) act(`move:${dragged.dataset.step}:${place}`, dragged.dataset.step);
  });
  document.addEventListener("dragend", () => {
    dragged?.classList.remove("dragged");
    dragged = null;
    clear();
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copies]");
    if (!button) return;
    const text = one(`#${button.dataset.copies}`)?.textContent ?? "";
    try {
      await navigator.clipboard.writeText(text);
      toast({ text: "Copied." });
    } catch {
      const range = document.createRange();
      range.selectNodeContents(one(`#${button.dataset.copies}`));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      toast({ text: "Marked. Press Ctrl C to copy.", tone: "warn" });
    }
  });
})();
