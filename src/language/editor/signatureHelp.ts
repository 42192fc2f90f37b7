import type { EditedScenario } from './editedScenario';
import { cursorContext, openCall } from './cursorContext';
import { nameIndex } from './nameIndex';
import { builtinSignature, signatureOf, type Signature } from './signature';

export interface SignatureHelp {
  readonly signature: Signature;
  /** Which parameter the place is at, from 0. */
  readonly parameter: number;
}

/** The call whose arguments are being typed at `offset` of `text`; as for completion, names come from what was last read. */
export function signatureHelpAt(scenario: EditedScenario, text: string, offset: number): SignatureHelp | undefined {
  const { statement, inside } = cursorContext(text, offset);
  const call = inside === 'code' ? openCall(statement) : undefined;
  if (call === undefined) return undefined;
  const declared = nameIndex(scenario).procedureFor(call.name, scenario.files[0].file);
  const signature = (declared === undefined ? undefined : signatureOf(declared)) ?? builtinSignature(call.name);
  if (signature === undefined || signature.parameters.length === 0) return undefined;
  return { signature, parameter: Math.min(call.argument, signature.parameters.length - 1) };
}
