import * as vscode from 'vscode';
import { REQUEST, type Space, type TableNode, type TablesArguments, type TablesResponse } from '../protocol/requests';
import type { Phase, Stops } from './stops';
import { tableItem, tableTooltip } from './tableItem';

/**
 * One set of tables as a tree. It asks for what is visible and expanded, by request, at every
 * stop, whichever way time went; between stops it shows what it knows, so nothing flickers.
 */
export class TableTree implements vscode.TreeDataProvider<TableNode>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<undefined>();
  private readonly known = new Map<string, readonly TableNode[]>();
  private readonly view: vscode.TreeView<TableNode>;
  private readonly subscriptions: vscode.Disposable[];
  /** Serial of the stop that the shown rows belong to. */
  private shown = 0;

  readonly onDidChangeTreeData = this.changed.event;

  constructor(
    id: string,
    private readonly space: Space,
    private readonly stops: Stops,
  ) {
    this.view = vscode.window.createTreeView(id, { treeDataProvider: this, showCollapseAll: true });
    this.subscriptions = [
      this.view,
      this.changed,
      stops.onDidChange((phase) => {
        this.follow(phase);
      }),
      this.view.onDidChangeVisibility(() => {
        this.follow(stops.phase());
      }),
    ];
  }

  getTreeItem(node: TableNode): vscode.TreeItem {
    return tableItem(node);
  }

  resolveTreeItem(item: vscode.TreeItem, node: TableNode): vscode.TreeItem {
    item.tooltip = tableTooltip(node);
    return item;
  }

  /** Empty after the session has ended: VS Code may ask even then. */
  async getChildren(parent?: TableNode): Promise<TableNode[]> {
    const phase = this.stops.phase();
    if (phase.kind === 'none') return [];
    const key = parent?.id ?? '';
    if (phase.kind === 'running') return [...(this.known.get(key) ?? [])];
    const { stop } = phase;
    this.shown = stop.serial;
    const args: TablesArguments =
      parent === undefined ? { space: this.space } : { space: this.space, root: parent.root, path: parent.path };
    try {
      const response = (await stop.session.customRequest(REQUEST.tables, args)) as TablesResponse;
      // A step overtook the answer: its own refresh brings the rows of the new stop.
      if (this.stops.current()?.serial !== stop.serial) return [...(this.known.get(key) ?? [])];
      this.known.set(key, response.nodes);
      if (parent === undefined) this.say(response.nodes.length === 0 ? response.message : undefined);
      return [...response.nodes];
    } catch (error) {
      if (this.stops.current()?.serial === stop.serial && parent === undefined) this.say(sentence(error));
      return [...(this.known.get(key) ?? [])];
    }
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private follow(phase: Phase): void {
    if (phase.kind === 'none') {
      this.known.clear();
      this.shown = 0;
      this.say();
      this.changed.fire(undefined);
    } else if (phase.kind === 'stopped' && this.view.visible && this.shown !== phase.stop.serial) {
      this.shown = phase.stop.serial;
      this.changed.fire(undefined);
    }
  }

  /** Without a message the view says nothing, or its welcome when it has no rows. */
  private say(message = ''): void {
    this.view.message = message;
  }
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
