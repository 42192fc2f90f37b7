import type { Handler, Param, Procedure } from '../generated/ast';
import { documentationAbove } from '../syntax/sourceText';
import { callableNamed, type Callable } from './callables';
import type { EditedFile } from './editedScenario';
import type { Declaration } from './nameIndex';

/** How something is called: `map(process p, gva address, gpa f, rights)`, its parameters one by one, and what it says of itself. */
export interface Signature {
  readonly label: string;
  readonly parameters: readonly { readonly name: string; readonly written: string }[];
  readonly documentation: string;
}

/** The signature of a declared procedure or handler; undefined for anything else. */
export function signatureOf({ file, token }: Pick<Declaration, 'file' | 'token'>): Signature | undefined {
  const { node } = token;
  if (node.$type === 'Procedure') return procedureSignature(file, node as Procedure);
  return node.$type === 'Handler' ? handlerSignature(file, node as Handler) : undefined;
}

export function procedureSignature(file: EditedFile, node: Procedure): Signature {
  const parameters = node.params.map(parameter);
  const result = node.type === undefined ? '' : ` -> ${node.type}`;
  return {
    label: `${node.name}(${parameters.map(({ written }) => written).join(', ')})${result}`,
    parameters,
    documentation: documentationOf(file, node),
  };
}

export function handlerSignature(file: EditedFile, node: Handler): Signature {
  const parameters = node.params.map(parameter);
  const label = node.exception === undefined
    ? `on interrupt ${node.vector?.$cstNode?.text ?? ''}`
    : `on ${node.exception}(${parameters.map(({ written }) => written).join(', ')})`;
  return { label, parameters, documentation: documentationOf(file, node) };
}

/** The signature of an instruction, a question, a host action or an entry constructor. */
export function callableSignature(callable: Callable): Signature {
  const parameters = callable.parameters.map(({ name, type }) => ({ name, written: type === '' || type === 'number' ? name : `${type} ${name}` }));
  const result = callable.result === 'none' ? '' : ` -> ${callable.result === 'truth' ? 'true or false' : callable.result}`;
  return {
    label: `${callable.name}(${parameters.map(({ written }) => written).join(', ')})${result}`,
    parameters,
    documentation: `${callable.documentation}\n\n*${callable.kind}*`,
  };
}

export function builtinSignature(name: string): Signature | undefined {
  const callable = callableNamed(name);
  return callable === undefined ? undefined : callableSignature(callable);
}

/** The `///` lines above a declaration, as one text. */
export function documentationOf(file: EditedFile, node: Procedure | Handler): string {
  return documentationAbove(file.source, node.$cstNode?.offset ?? 0);
}

function parameter({ name, type }: Param): Signature['parameters'][number] {
  return { name, written: type === undefined ? name : `${type} ${name}` };
}
