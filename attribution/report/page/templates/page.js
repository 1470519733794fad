"use strict";
(() => {
  const list = document.querySelector("ol.evidence");
  const filters = document.querySelector(".filters");
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      try {
        await navigator.clipboard.writeText(code.textContent);
      } catch {
        const range = document.createRange();
        range.selectNodeContents(code);
        const selection = getSelection();
        selection.removeAllRanges();
        selection.addRange(range);
        document.execCommand("copy");
      }
      const words = button.textContent;
      if (words !== button.dataset.copied) {
        button.textContent = button.dataset.copied;
        setTimeout(() => { button.textContent = words; }, 1500);
      }
    });
  }
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of opened) each.open = false;
    opened = [];
  });
  if (!list || !filters) return;
  const rows = [...list.children];
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const field = (id) => document.getElementById(id);
  const wanted = { side: field("filter-side"), file: field("filter-file"), speaks: field("filter-speaks") };
  const output = field("shown");
  const show = () => {
    const text = field("filter-text").value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const fits = (!text || words.get(row).includes(text)) &&
        Object.entries(wanted).every(([name, select]) => !select.value || row.dataset[name] === select.value);
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    output.textContent = output.dataset.words.replace("##", rows.length).replace("#", shown);
  };
  const order = () => {
    const by = field("sort").value;
    const number = (row) => Number(row.dataset[by]);
    const sorted = [...rows].sort((a, b) => by === "time" ? number(a) - number(b) : number(b) - number(a));
    for (const row of sorted) list.append(row);
  };
  const reset = () => {
    field("filter-text").value = "";
    for (const select of Object.values(wanted)) select.value = "";
    show();
  };
  field("filter-text").addEventListener("input", show);
  for (const select of Object.values(wanted)) select.addEventListener("change", show);
  field("sort").addEventListener("change", order);
  field("reset").addEventListener("click", reset);
  const all = (open) => () => {
    for (const row of rows) if (!row.hidden) row.querySelector("details").open = open;
  };
  field("open-all").addEventListener("click", all(true));
  field("close-all").addEventListener("click", all(false));
  list.addEventListener("keydown", (event) => {
    if (!["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key) || !event.target.matches(".piece > details > summary")) return;
    const heads = [...list.querySelectorAll(".piece:not([hidden]) > details > summary")];
    const here = heads.indexOf(event.target);
    const next = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: heads.length - 1 }[event.key];
    if (heads[next]) {
      event.preventDefault();
      heads[next].focus();
    }
  });
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    const row = target && target.closest(".piece");
    if (!row) return;
    if (row.hidden) reset();
    row.querySelector("details").open = true;
    row.querySelector("summary").focus({ preventScroll: true });
    row.scrollIntoView({ block: "start" });
  };
  addEventListener("hashchange", reveal);
  for (const link of document.querySelectorAll("a[href^='#e']")) link.addEventListener("click", () => setTimeout(reveal));
  filters.hidden = false;
  show();
  reveal();
})();
