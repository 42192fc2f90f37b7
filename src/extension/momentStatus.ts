import * as vscode from 'vscode';
import { COMMAND } from './contributions';
import type { Stops } from './stops';

/** Where in the run one stands: VS Code itself gives no sign that one has stepped back into the past. */
export class MomentStatus implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('pagewalk.moment', vscode.StatusBarAlignment.Left);
  private readonly listening: vscode.Disposable;

  constructor(stops: Stops) {
    this.item.name = 'Pagewalk Moment';
    this.item.command = COMMAND.seek;
    this.item.tooltip = 'Where in the run you stand: go to another moment';
    this.listening = stops.onDidChange((phase) => {
      if (phase.kind === 'none') this.item.hide();
      if (phase.kind !== 'stopped') return;
      const { description, where } = phase.stop;
      this.item.text = `$(history) ${description}${where === '' ? '' : ` (${where})`}`;
      this.item.show();
    });
  }

  dispose(): void {
    this.listening.dispose();
    this.item.dispose();
  }
}
