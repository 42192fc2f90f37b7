import * as vscode from 'vscode';
import type { EntryField, TableNode } from '../protocol/requests';

/** A node of a table tree as VS Code shows it. Its id is the node's, so that expansion survives every step. */
export function tableItem(node: TableNode): vscode.TreeItem {
  const item = new vscode.TreeItem(node.label, collapsibleState(node));
  item.id = node.id;
  item.contextValue = node.address === undefined ? 'pagewalk.root' : 'pagewalk.entry';
  const colour = node.changed ? new vscode.ThemeColor('gitDecoration.modifiedResourceForeground') : undefined;
  item.iconPath = new vscode.ThemeIcon(iconOf(node), colour);
  item.description = node.changed ? `● ${node.description}` : node.description;
  item.accessibilityInformation = {
    label: `${node.label}, ${node.description}${node.changed ? ', changed since the stop before' : ''}`,
  };
  return item;
}

const BREAK_ON_WRITE = 'Break on Write to This Entry stops at stores to it, and where a walk sets its accessed or dirty flag.';

/** The longer story: the node's sentences, where it lies, and its fields as a table. */
export function tableTooltip(node: TableNode): vscode.MarkdownString {
  const lines = [node.tooltip];
  if (node.address !== undefined) lines.push(`\`${node.address}\` holds \`${node.value ?? '0x0'}\``);
  if (node.from !== undefined) lines.push(`Translates from \`${node.from}\`${node.size === undefined ? '' : `, \`${node.size}\` bytes`}`);
  if (node.address !== undefined) lines.push(BREAK_ON_WRITE);
  if (node.changed) lines.push('● changed since the stop before');
  const fields = node.fields.map(row);
  const table = fields.length === 0 ? [] : ['| bits | field | value | meaning |', '| --- | --- | --- | --- |', ...fields];
  return new vscode.MarkdownString(`${lines.join('\n\n')}\n\n${table.join('\n')}`);
}

function row(field: EntryField): string {
  const [high, low] = field.bits;
  const bits = high === low ? String(high) : `${String(high)}:${String(low)}`;
  return `| ${bits} | ${field.name} | \`${field.value}\` | ${field.meaning.replaceAll('|', '\\|')} |`;
}

/** A root shows its entries at first; what a person folds or unfolds after that, VS Code keeps by the id. */
function collapsibleState(node: TableNode): vscode.TreeItemCollapsibleState {
  if (!node.hasChildren) return vscode.TreeItemCollapsibleState.None;
  return node.address === undefined ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed;
}

function iconOf(node: TableNode): string {
  if (node.address === undefined) return 'list-tree';
  return node.hasChildren ? 'table' : 'file-binary';
}
