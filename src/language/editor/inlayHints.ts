import { AstUtils } from 'langium';
import type { Call, Expr } from '../generated/ast';
import type { EditedScenario } from './editedScenario';
import { nameIndex } from './nameIndex';
import { builtinSignature, signatureOf } from './signature';

/** A parameter's name, shown before its argument. */
export interface InlayHint {
  readonly offset: number;
  readonly label: string;
}

/**
 * Names of parameters before the arguments of calls between two offsets. None where the argument says it already: a
 * variable of that name, a call's only argument.
 */
export function inlayHints(scenario: EditedScenario, from: number, to: number): readonly InlayHint[] {
  const { file } = scenario.files[0];
  const index = nameIndex(scenario);
  const hints: InlayHint[] = [];
  for (const node of AstUtils.streamAst(file)) {
    const cst = node.$cstNode;
    if (node.$type !== 'Call' || cst === undefined || cst.end < from || cst.offset > to) continue;
    const { of, args } = node as Call;
    if (of.$type !== 'NameRef' || args.length < 2) continue;
    const declared = index.procedureFor(of.name, node);
    const signature = (declared === undefined ? undefined : signatureOf(declared)) ?? builtinSignature(of.name);
    args.forEach((argument, i) => {
      const name = signature?.parameters[i]?.name;
      const offset = argument.$cstNode?.offset;
      if (name === undefined || offset === undefined || says(argument, name)) return;
      hints.push({ offset, label: `${name}:` });
    });
  }
  return hints;
}

/** A one-letter or variadic parameter tells nothing either. */
function says(argument: Expr, name: string): boolean {
  const written = (argument.$cstNode?.text ?? '').toLowerCase();
  return written === name.toLowerCase() || written.endsWith(`.${name.toLowerCase()}`) || /…$/.test(name) || name === name.toUpperCase();
}
