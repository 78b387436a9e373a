// Last lines of the guest's console.

import { h, panel, setText } from "../dom";
import { bytes } from "../format";
import type { Machine } from "../snapshot";

export class Console {
  private readonly panel = panel("console", "Console");
  readonly root = this.panel.root;
  private readonly text = h("pre", "scroll");

  constructor() {
    this.text.tabIndex = 0;
    this.panel.body.append(this.text);
  }

  update(machine: Machine): void {
    setText(this.panel.note, `${bytes(machine.console.bytes)} written`);
    const { scrollTop, scrollHeight, clientHeight } = this.text;
    const isAtEnd = scrollTop + clientHeight >= scrollHeight - 4;
    setText(this.text, machine.console.text);
    if (isAtEnd) this.text.scrollTop = this.text.scrollHeight;
  }
}
