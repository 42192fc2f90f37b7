import * as vscode from 'vscode';
import type { FromPanel, ToPanel } from '../protocol/panel';
import { REQUEST, type WalkArguments, type WalkResponse } from '../protocol/requests';
import { COMMAND, DEBUG_TYPE, WALK_PANEL } from './contributions';
import { panelPage } from './panelPage';
import { revealSource } from './revealSource';
import type { Phase, Stop, Stops } from './stops';

const NO_SESSION = 'Start a scenario with F5: each access it makes shows its page walk here.';
const RUNNING = 'The scenario is running; its last access shows here when it stops.';
/** A step is over sooner: only a run that lasts is said to be running. */
const RUNNING_SHOWS_AFTER_MS = 300;

/** The Page Walk panel: one at a time, its state here, so that a page that was hidden or reloaded gets it again. */
export class WalkPanel implements vscode.Disposable, vscode.WebviewPanelSerializer {
  private panel: vscode.WebviewPanel | undefined;
  private latest: ToPanel = { type: 'empty', message: NO_SESSION };
  /** Serial of the stop that `latest` shows. */
  private shown = 0;
  /** The last session at whose first stop the panel was opened, or left closed: closing it lasts for the session. */
  private openedFor = '';
  private runningTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly stops: Stops,
  ) {
    this.subscriptions = [
      vscode.commands.registerCommand(COMMAND.showWalk, () => {
        if (this.panel === undefined) this.open('take focus');
        else this.panel.reveal();
        this.follow(this.stops.phase());
      }),
      vscode.window.registerWebviewPanelSerializer(WALK_PANEL, this),
      stops.onDidChange((phase) => {
        this.follow(phase);
      }),
    ];
  }

  /** After a reload of the window: VS Code gives the panel back, without its page. */
  deserializeWebviewPanel(panel: vscode.WebviewPanel): Promise<void> {
    this.adopt(panel);
    return Promise.resolve();
  }

  dispose(): void {
    clearTimeout(this.runningTimer);
    this.panel?.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private open(focus: 'take focus' | 'leave focus'): void {
    const place = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: focus === 'leave focus' };
    this.adopt(vscode.window.createWebviewPanel(WALK_PANEL, 'Page Walk', place, this.options()));
  }

  private adopt(panel: vscode.WebviewPanel): void {
    this.panel?.dispose();
    this.panel = panel;
    const { webview } = panel;
    webview.options = this.options();
    panel.iconPath = {
      light: vscode.Uri.joinPath(this.extensionUri, 'media', 'walk-light.svg'),
      dark: vscode.Uri.joinPath(this.extensionUri, 'media', 'walk-dark.svg'),
    };
    webview.onDidReceiveMessage((message: FromPanel) => this.receive(message));
    panel.onDidChangeViewState(() => {
      this.follow(this.stops.phase());
    });
    panel.onDidDispose(() => {
      if (this.panel === panel) this.panel = undefined;
    });
    const folder = this.pageFolder();
    webview.html = panelPage({
      script: webview.asWebviewUri(vscode.Uri.joinPath(folder, 'panel.js')).toString(),
      style: webview.asWebviewUri(vscode.Uri.joinPath(folder, 'panel.css')).toString(),
      source: webview.cspSource,
      nonce: nonce(),
    });
  }

  private follow(phase: Phase): void {
    clearTimeout(this.runningTimer);
    if (phase.kind === 'none') {
      this.shown = 0;
      this.post({ type: 'empty', message: NO_SESSION });
    } else if (phase.kind === 'running') {
      this.runningTimer = setTimeout(() => {
        this.shown = 0;
        this.post({ type: 'empty', message: RUNNING });
      }, RUNNING_SHOWS_AFTER_MS);
    } else {
      if (this.openedFor !== phase.stop.session.id) {
        this.openedFor = phase.stop.session.id;
        if (this.panel === undefined && opensByItself()) this.open('leave focus');
      }
      if (this.panel?.visible === true && this.shown !== phase.stop.serial) void this.load(phase.stop);
    }
  }

  private async load(stop: Stop): Promise<void> {
    this.shown = stop.serial;
    const args: WalkArguments = { threadId: stop.threadId };
    let message: ToPanel;
    try {
      const walk = (await stop.session.customRequest(REQUEST.walk, args)) as WalkResponse;
      message = { type: 'walk', walk };
    } catch (error) {
      message = { type: 'empty', message: error instanceof Error ? error.message : String(error) };
    }
    if (this.stops.current()?.serial === stop.serial) this.post(message);
  }

  private post(message: ToPanel): void {
    this.latest = message;
    void this.panel?.webview.postMessage(message);
  }

  private async receive(message: FromPanel): Promise<void> {
    if (message.type === 'ready') this.post(this.latest);
    else await revealSource(this.stops.current()?.session, message.path, message.line);
  }

  private options(): vscode.WebviewOptions {
    return { enableScripts: true, localResourceRoots: [this.pageFolder()] };
  }

  private pageFolder(): vscode.Uri {
    return vscode.Uri.joinPath(this.extensionUri, 'dist', 'webview');
  }
}

function opensByItself(): boolean {
  return vscode.workspace.getConfiguration(DEBUG_TYPE).get<string>('openPanel') !== 'never';
}

function nonce(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
