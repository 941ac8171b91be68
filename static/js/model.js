// The score model's page: a slider moves its number, a recalculation says how long it takes, Ctrl Enter publishes.
"use strict";
(() => {
  const numberOf = (slide) => document.getElementById(slide.dataset.slides);
  const show = (slide) => {
    const filled = slide.parentElement.querySelector(".filled");
    if (filled) filled.setAttribute("width", `${Math.min(100, (slide.value / slide.max) * 100)}%`);
  };
  document.addEventListener("input", (event) => {
    const slide = event.target.closest("[data-slides]");
    if (slide) {
      numberOf(slide).value = slide.value;
      show(slide);
      return;
    }
    for (const other of document.querySelectorAll("[data-slides]")) {
      if (other.dataset.slides === event.target.id && event.target.value !== "") {
        other.value = event.target.value;
        show(other);
      }
    }
  });
  // Arrows move by 1 by themselves; with Shift by 5.
  document.addEventListener("keydown", (event) => {
    const slide = event.target.closest?.("[data-slides]");
    const step = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5 }[event.key];
    if (slide && event.shiftKey && step) {
      event.preventDefault();
      slide.value = Number(slide.value) + step;
      slide.dispatchEvent(new Event("input", { bubbles: true }));
      slide.dispatchEvent(new Event("change", { bubbles: true }));
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      document.querySelector("[data-publish]:not(:disabled)")?.click();
    }
  });
  // From two seconds on a recalculation says how long it has been at it.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.target.closest("[data-recalculates]");
    if (!part || part !== event.target) return;
    const began = Date.now();
    const timer = setInterval(() => {
      const seconds = Math.floor((Date.now() - began) / 1000);
      for (const place of part.querySelectorAll("[data-elapsed]")) place.textContent = seconds >= 2 ? `, ${seconds} s` : "";
      if (!part.isConnected || !part.classList.contains("htmx-request")) clearInterval(timer);
    }, 500);
  });
})();
