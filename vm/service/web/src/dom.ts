// Elements without a framework. Text is only ever set as text, never as markup, because names,
// events and the console come from a guest.

type Child = Node | string;

/** An element with a class and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  name = "",
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (name !== "") element.className = name;
  element.append(...children);
  return element;
}

/** Sets a text if it differs, so that selections and screen readers are left in peace. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Makes `parent` have `length` children, made by `make`, and returns them. */
export function rows<T extends HTMLElement>(parent: HTMLElement, length: number, make: () => T): T[] {
  while (parent.children.length > length) parent.lastElementChild?.remove();
  while (parent.children.length < length) parent.append(make());
  return Array.from(parent.children) as T[];
}

/** A panel with a heading; `note` stands at its right. */
export interface Panel {
  root: HTMLElement;
  body: HTMLElement;
  note: HTMLElement;
}

export function panel(id: string, title: string): Panel {
  const note = h("span", "note");
  const heading = h("h2", "", title);
  heading.id = `${id}-title`;
  const body = h("div", "body");
  const root = h("section", `panel ${id}`, h("header", "", heading, note), body);
  root.dataset.panel = id;
  root.setAttribute("aria-labelledby", heading.id);
  return { root, body, note };
}

/** A table with these headings; those that start with ">" are for figures. */
export function table(headings: string[]): { root: HTMLElement; body: HTMLElement } {
  const cells = headings.map((heading) => {
    const isFigure = heading.startsWith(">");
    const cell = h("th", isFigure ? "figure" : "", isFigure ? heading.slice(1) : heading);
    cell.scope = "col";
    return cell;
  });
  const body = h("tbody");
  const root = h("table", "", h("thead", "", h("tr", "", ...cells)), body);
  return { root, body };
}

/** Fills a row of a table with texts, below headings as given to `table`. */
export function fill(row: HTMLElement, headings: string[], texts: string[]): void {
  const cells = rows(row, texts.length, () => h("td"));
  texts.forEach((text, index) => {
    const cell = cells[index];
    if (!cell) return;
    cell.className = headings[index]?.startsWith(">") ? "figure" : "";
    setText(cell, text);
  });
}
