import type { Expr, Field, Index, Memory } from './generated/ast';
import { processFields } from './compile/entries';
import { registerBit, registerPart } from './compile/registersAndParts';
import type { EntryFormat } from './compile/entryFormat';
import type { Scope } from './compile/scope';
import type { Symbols } from './compile/symbols';
import { compileExpression, type CompiledContext, type Site } from './expression';
import type { Fragment, ValueType } from './program';
import { parseExpressionText } from './syntax/expressionText';
import { sourceText, writtenText } from './syntax/sourceText';

/** The bits of a place that are meant: a mask of them, and how far a value is shifted to lie there. */
export interface EditBits {
  readonly mask: bigint;
  readonly shift: number;
}

/** What an expression names that a person at the debugger can give a value: of `type`, in so many bits (`width`). */
export type EditTarget = { readonly type: ValueType; readonly width: number; readonly bits?: EditBits } & (
  /** `register`: of the frame. */
  | { readonly kind: 'variable'; readonly register: number }
  | { readonly kind: 'global'; readonly global: number }
  | { readonly kind: 'table'; readonly table: number; readonly key: Fragment }
  | { readonly kind: 'register'; readonly register: number }
  /** `field`: as in the program's instructions. */
  | { readonly kind: 'process'; readonly process: Fragment; readonly field: number }
  /** At a linear address, or while paging is off a guest-physical one. */
  | { readonly kind: 'memory'; readonly address: Fragment; readonly size: number }
);

type Found = { readonly target: EditTarget } | { readonly error: string };

const WHOLE = 64;
const WORD_SIZES: Readonly<Record<string, number>> = { byte: 1, word: 2, dword: 4, qword: 8 };

/**
 * The place that an expression names at a site: a variable, a global, a table's key, a register or a part of one, `[address]`; and of
 * each a named bit or `frame` as entries have them. The error is one sentence.
 */
export function editTarget(context: CompiledContext, text: string, site: Site): Found {
  const parsed = parseExpressionText(text, new Set());
  if ('problem' in parsed) return { error: parsed.problem.message };
  // What has no value cannot be given one either: it is said in the compiler's words.
  const value = compileExpression(context, text, site);
  return 'error' in value ? value : new TargetFinder(context, text, site, value.fragment.type).find(parsed.expression);
}

class TargetFinder {
  private readonly vm: Symbols;

  constructor(
    private readonly context: CompiledContext, private readonly text: string, private readonly site: Site, private readonly type: ValueType,
  ) {
    const { vms, vmOfProcedure } = context.symbols;
    this.vm = vms[Math.max(0, vmOfProcedure[site.procedure ?? 0] ?? 0)]!;
  }

  find(node: Expr): Found {
    switch (node.$type) {
      case 'NameRef': return this.ofName(node.name);
      case 'Field': return this.ofField(node);
      case 'Memory': return this.ofMemory(node);
      case 'Index': return this.ofTable(node);
      default: return this.notAPlace();
    }
  }

  private ofName(name: string): Found {
    if (this.site.values?.some((value) => value.name === name) === true) {
      return { error: `\`${name}\` is a value of the listing's line, which says what the hypervisor has worked out: edit what it was worked out from.` };
    }
    const { program } = this.context;
    const procedure = this.site.procedure === undefined ? undefined : program.procedures[this.site.procedure];
    const variable = procedure?.variables.find((each) => each.name === name);
    if (variable !== undefined) return { target: { kind: 'variable', register: variable.register, type: this.type, width: WHOLE } };
    const symbol = this.scope?.find(name);
    if (symbol?.kind === 'global') return { target: { kind: 'global', global: symbol.index, type: this.type, width: WHOLE } };
    const part = symbol === undefined ? registerPart(name) : undefined;
    if (part === undefined) return this.notAPlace();
    const target = { kind: 'register', register: part.register, type: this.type, width: part.bits } as const;
    return part.bits === WHOLE || part.clearsRest ? { target } : { target: { ...target, bits: { mask: ((1n << BigInt(part.bits)) - 1n) << BigInt(part.shift), shift: part.shift } } };
  }

  private ofField({ of, field }: Field): Found {
    const bit = of.$type === 'NameRef' ? registerBit(of.name, field) : undefined;
    const number = bit === undefined && Object.hasOwn(processFields, field) ? processFields[field] : undefined;
    if (number !== undefined) return this.ofProcess(of, number);
    const around = this.find(of);
    if ('error' in around) return around;
    if (around.target.bits !== undefined) return this.notAPlace();
    const bits = bit !== undefined ? { mask: 1n << BigInt(bit), shift: bit } : bitsOfEntry(this.vm.entries, field);
    return bits === undefined ? this.notAPlace() : { target: { ...around.target, type: this.type, width: field === 'frame' && bit === undefined ? WHOLE : 1, bits } };
  }

  private ofProcess(of: Expr, field: number): Found {
    const process = compileExpression(this.context, this.written(of), this.site);
    if ('error' in process) return process;
    return process.fragment.type === 'process' ? { target: { kind: 'process', process: process.fragment, field, type: this.type, width: WHOLE } } : this.notAPlace();
  }

  private ofMemory(node: Memory): Found {
    const offset = node.offset === undefined ? undefined : this.written(node.offset);
    const segment = this.written(node.segment);
    if (node.segment.$type === 'In') return { error: `\`${this.text}\` lies in another process or VM: edit it by its address there, in memory, or in a frame of its own.` };
    const address = compileExpression(this.context, offset === undefined ? segment : `(${segment} & 0xffff) * 16 + (${offset})`, this.site);
    if ('error' in address) return address;
    const { mode, entries } = this.vm;
    const size = node.size === 'entry' ? entries?.entryBytes ?? mode.wordBytes : WORD_SIZES[node.size ?? ''] ?? mode.wordBytes;
    return { target: { kind: 'memory', address: address.fragment, size, type: this.type, width: 8 * size } };
  }

  private ofTable({ of, keys: [key, ...more] }: Index): Found {
    const symbol = of.$type === 'NameRef' ? this.scope?.find(of.name) : undefined;
    if (symbol?.kind !== 'table' || key === undefined || more.length > 0) return this.notAPlace();
    const fragment = compileExpression(this.context, this.written(key), this.site);
    return 'error' in fragment ? fragment : { target: { kind: 'table', table: symbol.index, key: fragment.fragment, type: this.type, width: WHOLE } };
  }

  private get scope(): Scope | undefined {
    const { program } = this.context;
    const file = this.site.procedure === undefined ? 0 : program.procedures[this.site.procedure]?.range.file ?? 0;
    return this.vm.scopes[file];
  }

  private written(node: Expr): string {
    return writtenText(sourceText(0, '', this.text), node);
  }

  private notAPlace(): Found {
    return { error: `\`${this.text}\` is worked out and has no place of its own: edit a variable, a register, \`[address]\`, or a bit of one.` };
  }
}

/** Bits of a field that entries of the VM's own paging mode have; `frame` keeps its place, as an address does. */
function bitsOfEntry(entries: EntryFormat | undefined, field: string): EditBits | undefined {
  if (entries === undefined) return undefined;
  if (field === 'frame') return { mask: entries.frameMask, shift: 0 };
  const mask = entries.bits.get(field);
  return mask === undefined ? undefined : { mask, shift: mask.toString(2).length - 1 };
}
