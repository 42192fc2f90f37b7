/**
 * Ten lines as the example of Langium's arithmetics has them: definitions, functions, evaluations, comments. They hold
 * about as many words and signs as a line of a scenario does.
 */
const LINES = [
  'def aNUMBER: 5;',
  'def bNUMBER: 3 + NUMBER;',
  'def cNUMBER: aNUMBER + bNUMBER;              // eight and more',
  'def dNUMBER: (aNUMBER ^ bNUMBER);',
  'def rootNUMBER(x, y): x ^ (1 / y);',
  'def sqrtNUMBER(x): rootNUMBER(x, 2);',
  '2 * cNUMBER - NUMBER;',
  'bNUMBER % 2;',
  'rootNUMBER(dNUMBER, 3);',
  'sqrtNUMBER(81);                              // nine',
];

/** A module of so many lines in Langium's example language of arithmetics. */
export function arithmeticsText(lines: number): string {
  const text = ['module long'];
  for (let i = 0; text.length < lines; i++) text.push(...LINES.map((line) => line.replaceAll('NUMBER', String(i))));
  return text.join('\n');
}
