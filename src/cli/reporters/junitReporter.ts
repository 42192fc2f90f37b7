import { DOMImplementation, XMLSerializer, type Document, type Element } from '@xmldom/xmldom';
import { notJudged } from './specReporter';
import type { ExpectationResult, Reporter, ScenarioResult } from './reporter';

/** Characters that XML 1.0 cannot hold, even escaped. */
// eslint-disable-next-line no-control-regex
const NOT_IN_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** The XML that CI servers read as JUnit's: a suite a scenario, a case an expectation, one more for its way to the end. */
export class JunitReporter implements Reporter {
  readonly prints = 'kept';
  readonly failures = 'kept';
  private readonly document: Document;
  private readonly root: Element;
  private readonly sums = { tests: 0, failures: 0, errors: 0, skipped: 0, milliseconds: 0 };

  constructor(private readonly write: (text: string) => void) {
    this.document = new DOMImplementation().createDocument(null, 'testsuites', null);
    this.root = this.document.documentElement!;
  }

  scenario(result: ScenarioResult): void {
    const { file, report, expectations, status, problems, printed, milliseconds } = result;
    const suite = this.element(this.root, 'testsuite', { name: report === undefined ? file : `${file} under ${report.technique}`, file });
    for (const expectation of expectations) this.expectation(suite, file, expectation);
    const end = this.element(suite, 'testcase', {
      name: status === 'unusable' ? 'can be run' : 'comes to its end', classname: file, file, time: seconds(milliseconds),
    });
    const isDead = status === 'failed' && problems.length > 0;
    if (isDead) this.fail(end, 'failure', problems.join('\n'));
    else if (status === 'unusable') this.fail(end, 'error', problems.join('\n'));
    else if (status === 'interrupted') this.fail(end, 'error', 'stopped by Ctrl-C');
    const counts = {
      tests: expectations.length + 1,
      failures: expectations.filter(({ verdict }) => verdict === 'failed').length + (isDead ? 1 : 0),
      errors: status === 'unusable' || status === 'interrupted' ? 1 : 0,
      skipped: expectations.filter(({ verdict }) => verdict === 'elsewhere' || verdict === 'never').length,
    };
    this.setCounts(suite, counts, milliseconds);
    for (const name of ['tests', 'failures', 'errors', 'skipped'] as const) this.sums[name] += counts[name];
    this.sums.milliseconds += milliseconds;
    if (printed.length > 0) this.text(this.element(suite, 'system-out', {}), printed.join('\n'));
  }

  end(): void {
    this.root.setAttribute('name', 'pagewalk');
    this.setCounts(this.root, this.sums, this.sums.milliseconds);
    this.write(`<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(this.document)}\n`);
  }

  private expectation(suite: Element, file: string, { path, line, text, verdict, found }: ExpectationResult): void {
    const name = path === file ? `${line}: ${text}` : `${path}:${line}: ${text}`;
    const test = this.element(suite, 'testcase', { name, classname: file, file: path, line: String(line) });
    if (verdict === 'failed') this.fail(test, 'failure', found ?? text);
    else if (verdict !== 'held') this.element(test, 'skipped', { message: notJudged[verdict] });
  }

  private fail(test: Element, kind: 'failure' | 'error', message: string): void {
    this.text(this.element(test, kind, { message: message.split('\n')[0] ?? '', type: kind === 'failure' ? 'expectation' : 'scenario' }), message);
  }

  private setCounts(of: Element, counts: Readonly<Record<'tests' | 'failures' | 'errors' | 'skipped', number>>, milliseconds: number): void {
    for (const name of ['tests', 'failures', 'errors', 'skipped'] as const) of.setAttribute(name, String(counts[name]));
    of.setAttribute('time', seconds(milliseconds));
  }

  /** Each element on a line of its own. */
  private element(parent: Element, name: string, attributes: Readonly<Record<string, string>>): Element {
    const element = this.document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value.replace(NOT_IN_XML, '�'));
    parent.appendChild(this.document.createTextNode('\n'));
    parent.appendChild(element);
    return element;
  }

  private text(parent: Element, text: string): void {
    parent.appendChild(this.document.createTextNode(text.replace(NOT_IN_XML, '�')));
  }
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}
