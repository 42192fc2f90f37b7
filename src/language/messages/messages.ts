import { declarationMessages } from './declarationMessages';
import { expressionMessages } from './expressionMessages';
import { exampleFrame, type Fillings, type MessageRow } from './messageRow';
import { statementMessages } from './statementMessages';
import { syntaxMessages } from './syntaxMessages';

const table = { ...syntaxMessages, ...declarationMessages, ...expressionMessages, ...statementMessages };

export type MessageCode = keyof typeof table;
/** What fills the holes of a message's sentence. */
export type FillingsOf<Code extends MessageCode> = Fillings<(typeof table)[Code]>;
/** The fillings as an argument; a sentence without holes takes none. */
export type FillingArguments<Code extends MessageCode> = keyof FillingsOf<Code> extends never
  ? [fillings?: FillingsOf<Code>] : [fillings: FillingsOf<Code>];

/** Every message that the language has, by its code. */
export const messages: Readonly<Record<MessageCode, MessageRow>> = table;

/** The sentence of a message with its holes filled. */
export function sentenceOf<Code extends MessageCode>(code: Code, ...[fillings]: FillingArguments<Code>): string {
  return filled(messages[code].sentence, fillings ?? {});
}

function filled(sentence: string, fillings: Readonly<Record<string, string | number | bigint>>): string {
  return sentence.replace(/<(\w+)>/g, (hole, name: string) => (Object.hasOwn(fillings, name) ? String(fillings[name]) : hole));
}

export function severityOf(code: MessageCode): 'error' | 'warning' {
  return messages[code].severity ?? 'error';
}

/** The whole scenario that has this message said of it, for tests and docs; undefined for what only a condition can meet. */
export function exampleOf(code: MessageCode): string | undefined {
  const { file, cpu } = messages[code];
  if (file !== undefined) return file;
  return cpu === undefined ? undefined : exampleFrame(cpu);
}
