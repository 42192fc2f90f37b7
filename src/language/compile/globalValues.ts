import type { Global } from '../generated/ast';
import type { Program, ValueType } from '../program';
import type { SourceText } from '../syntax/sourceText';
import { Body } from './body';
import { CodeBuffer } from './codeBuffer';
import { asWanted, compileExpression } from './expressions';
import type { Scope } from './scope';
import type { Unit, VmContext } from './unit';

/** The value that `global NAME = E` starts with: E is known before the machine starts. */
export function globalValue(unit: Unit, vm: VmContext, source: SourceText, scope: Scope, node: Global, type: ValueType): bigint {
  const { value } = node;
  if (value === undefined) return 0n;
  const body = new Body({ ...unit, code: new CodeBuffer() }, vm, source, scope, 'procedure', -1);
  const result = compileExpression(body, value);
  if (result.constant === undefined) {
    body.fail(value, 'global-not-constant', { written: body.written(value) });
    return 0n;
  }
  asWanted(body, value, result, type);
  return result.constant;
}

/** A global before it is known whose it is. */
export type GlobalValue = Omit<Program['globals'][number], 'isOwn'>;

/** The globals with the values that the caller sets over them, such as `--sweep`; names that do not exist come back. */
export function overriddenGlobals(
  globals: readonly GlobalValue[],
  isOwn: (index: number) => boolean,
  overrides: Readonly<Record<string, bigint>>,
): { readonly globals: Program['globals']; readonly unknown: readonly string[] } {
  const names = globals.filter((_, i) => isOwn(i)).map((global) => global.name);
  return {
    globals: globals.map((global, i) => {
      const value = isOwn(i) && Object.hasOwn(overrides, global.name) ? overrides[global.name] : undefined;
      return { ...global, isOwn: isOwn(i), ...(value === undefined ? {} : { value: BigInt.asUintN(64, value) }) };
    }),
    unknown: Object.keys(overrides).filter((name) => !names.includes(name)),
  };
}
