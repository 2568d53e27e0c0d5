"use strict";
// Tables are sorted by any column: the good end first, then the other, then the suite's own order again.
// Control rows stay where they are.
for (const table of document.querySelectorAll("table.numbers")) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const numberOf = (cell) => (cell.dataset.sort === undefined ? NaN : Number(cell.dataset.sort));
  const words = new Intl.Collator("en", { numeric: true });

  const compare = (column, sign) => (one, other) => {
    const a = one.cells[column], b = other.cells[column];
    const x = numberOf(a), y = numberOf(b);
    if (Number.isNaN(x) && Number.isNaN(y)) {
      return heads[column].dataset.text ? sign * words.compare(a.textContent, b.textContent) : 0;
    }
    if (Number.isNaN(x)) return 1; // what has no number is last either way
    if (Number.isNaN(y)) return -1;
    return sign * (x - y);
  };

  heads.forEach((head, column) => {
    if (!original.some((row) => row.cells[column].dataset.sort !== undefined)) {
      head.dataset.text = "yes";
    }
    const button = document.createElement("button");
    button.type = "button";
    button.append(head.querySelector(".label"));
    head.prepend(button);
    button.addEventListener("click", () => {
      const first = head.dataset.first;
      const second = first === "ascending" ? "descending" : "ascending";
      const now = head.getAttribute("aria-sort");
      const next = now === first ? second : now === second ? "" : first;
      for (const each of heads) each.removeAttribute("aria-sort");
      if (next) head.setAttribute("aria-sort", next);
      const rows = [...original];
      if (next) rows.sort(compare(column, next === "ascending" ? 1 : -1));
      body.append(...rows);
    });
  });
}

// What is folded away on a screen is printed.
const folded = () => document.querySelectorAll("details:not([open])");
let unfolded = [];
window.addEventListener("beforeprint", () => {
  unfolded = [...folded()];
  for (const each of unfolded) each.open = true;
});
window.addEventListener("afterprint", () => {
  for (const each of unfolded) each.open = false;
});
