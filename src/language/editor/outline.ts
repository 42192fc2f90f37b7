import type { AstNode } from 'langium';
import type { File } from '../generated/ast';
import type { EditedFile, EditedScenario } from './editedScenario';
import { handlerSignature, procedureSignature } from './signature';

export interface OutlineItem {
  readonly name: string;
  readonly detail: string;
  readonly kind: 'machine' | 'process' | 'global' | 'table' | 'procedure' | 'handler' | 'cpu' | 'vm' | 'host thread' | 'import' | 'schedule';
  /** The whole declaration. */
  readonly start: number;
  readonly end: number;
  /** Its name, or what stands for one. */
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly children: readonly OutlineItem[];
}

type Item = File['items'][number];

/** The declarations of the scenario's own text, those of a VM below it. */
export function outline({ files: [file] }: EditedScenario): readonly OutlineItem[] {
  return file.file.items.flatMap((item) => outlineItem(file, item));
}

function outlineItem(file: EditedFile, item: Item): readonly OutlineItem[] {
  const told = describe(file, item);
  const cst = item.$cstNode;
  if (cst === undefined || cst.end <= cst.offset) return [];
  const [nameStart, nameEnd] = nameOf(item, cst.offset, cst.text);
  const children = item.$type === 'Vm' ? item.items.flatMap((inner) => outlineItem(file, inner)) : [];
  return [{ ...told, start: cst.offset, end: cst.end, nameStart, nameEnd, children }];
}

function describe(file: EditedFile, item: Item): Pick<OutlineItem, 'name' | 'detail' | 'kind'> {
  switch (item.$type) {
    case 'Machine':
    case 'Platform': {
      const settings = item.settings.settings.map((setting) => (setting.$cstNode?.text ?? '').replace(/\s+/g, ' '));
      return { name: item.$type.toLowerCase(), detail: settings.join(', '), kind: 'machine' };
    }
    case 'Process':
      return { name: item.name, detail: `process, ${item.areas.length} ${item.areas.length === 1 ? 'range' : 'ranges'}`, kind: 'process' };
    case 'Global':
      return { name: item.name, detail: 'global', kind: 'global' };
    case 'Table':
      return { name: item.name, detail: 'table', kind: 'table' };
    case 'Procedure': {
      const { label } = procedureSignature(file, item);
      return { name: item.name, detail: label.slice(item.name.length), kind: 'procedure' };
    }
    case 'Handler':
      return { name: handlerSignature(file, item).label, detail: 'handler', kind: 'handler' };
    case 'Cpu': {
      const statements = item.body.statements.length;
      return { name: `cpu ${item.number}`, detail: `${statements} ${statements === 1 ? 'statement' : 'statements'}`, kind: 'cpu' };
    }
    case 'Vm':
      return { name: item.name, detail: 'vm', kind: 'vm' };
    case 'HostThread':
      return { name: item.name, detail: 'host thread', kind: 'host thread' };
    case 'Import':
      return { name: item.path.replace(/"/g, ''), detail: 'import', kind: 'import' };
    case 'Schedule':
      return { name: 'schedule', detail: item.every === undefined ? `random ${item.seed ?? ''}` : `every ${item.every}`, kind: 'schedule' };
  }
}

/** Place of the name within the declaration, or of its first word when it has none. */
function nameOf(item: Item & AstNode, offset: number, text: string): readonly [number, number] {
  const name = 'name' in item ? item.name : undefined;
  const at = name === undefined ? -1 : text.search(new RegExp(`\\b${name}\\b`));
  if (name !== undefined && at >= 0) return [offset + at, offset + at + name.length];
  return [offset, offset + (/^\w+/.exec(text)?.[0].length ?? 0)];
}
