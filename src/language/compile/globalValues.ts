import type { Global } from '../generated/ast';
import type { Program, ValueType } from '../program';
import type { SourceText } from '../syntax/sourceText';
import { Body } from './body';
import { CodeBuffer } from './codeBuffer';
import { compileExpression } from './expressions';
import type { Scope } from './symbols';
import type { Unit } from './unit';
import { fits, misfit } from './valueTypes';

/** The value that `global NAME = E` starts with: E is known before the machine starts. */
export function globalValue(unit: Unit, source: SourceText, scope: Scope, node: Global, type: ValueType): bigint {
  const { value } = node;
  if (value === undefined) return 0n;
  const body = new Body({ ...unit, code: new CodeBuffer() }, source, scope, 'procedure', -1);
  const result = compileExpression(body, value);
  if (result.constant === undefined) {
    body.fail(value, `\`${body.written(value)}\` is not known before the machine starts; write a constant, and assign the rest in a cpu block.`);
    return 0n;
  }
  if (!fits(result.type, type)) body.fail(value, misfit(result.type, type, body.written(value)));
  return result.constant;
}

/** The globals with the values that the caller sets over them, such as `--sweep`; names that do not exist come back. */
export function overriddenGlobals(
  globals: Program['globals'],
  from: number,
  overrides: Readonly<Record<string, bigint>>,
): { readonly globals: Program['globals']; readonly unknown: readonly string[] } {
  const names = globals.slice(from).map((global) => global.name);
  return {
    globals: globals.map((global, i) => {
      const value = i >= from && Object.hasOwn(overrides, global.name) ? overrides[global.name] : undefined;
      return value === undefined ? global : { ...global, value: BigInt.asUintN(64, value) };
    }),
    unknown: Object.keys(overrides).filter((name) => !names.includes(name)),
  };
}
