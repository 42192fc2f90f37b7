import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Mocha from 'mocha';
import { conformText, readVectors } from '../../src/cli/conform';
import { products, type Product } from '../exhaustive/products/catalog';
import { projectRoot } from '../vscode/harness/projectRoot';
import { PromisingFirst } from './promisingFirst';

/** Tests that may catch a broken row: resolves with what caught it, or undefined. An exception is one of our invariants, and catches too. */
export interface Guard {
  readonly name: string;
  run(): Promise<string | undefined>;
}

const saying = (what: string, error: unknown): string => `${what}: ${error instanceof Error ? error.message : String(error)}`;

const isOfSingleBits = ({ about }: Product): boolean => about.includes('single bit');
// Those that only prepare their cases for seconds are left to the whole product.
const isLong = ({ about }: Product): boolean => about.includes('everywhere in the walk') || about.includes('every page size');

function judgedBy(name: string, chosen: readonly Product[], stride: number): Guard {
  if (chosen.length === 0) throw new Error(`no product is for ${name}`);
  const promising = new PromisingFirst(chosen);
  return {
    name,
    run: () => promising.firstCatch(async (product) => {
      await Promise.resolve();
      try {
        const score = product.run({ stride, until: 'the first difference' });
        return score.differing > 0 ? product.about : undefined;
      } catch (error) {
        return saying(product.about, error);
      }
    }),
  };
}

/** All cases of the products of single bits whose titles begin with one of these words, then every so-many-th case of the others. */
export function productGuards(words: readonly string[], stride: number): readonly Guard[] {
  const named = products.filter((product) => words.some((word) => product.about.startsWith(word)) && !isLong(product));
  return [
    { title: 'single bits', chosen: named.filter(isOfSingleBits), every: 1 },
    { title: 'product', chosen: named.filter((product) => !isOfSingleBits(product)), every: stride },
  ].filter(({ chosen }) => chosen.length > 0).map(({ title, chosen, every }) => judgedBy(`${title} ${words.join(' ')}`, chosen, every));
}

/** A file of tests that can be loaded once and run again and again. */
class RepeatedMocha extends Mocha {
  constructor(file: string) {
    super({ bail: true, timeout: 120_000, reporter: Silent });
    this.cleanReferencesAfterRun(false);
    this.addFile(file);
    this.loadFiles();
    if (this.suite.total() === 0) throw new Error(`${file} has no tests: was it loaded before?`);
  }
}

class Silent extends Mocha.reporters.Base {}

// Each mocha listens to the process until it runs again.
process.setMaxListeners(0);

/** By file: loading one a second time would find it in Node's cache, and no test in it. */
const loaded = new Map<string, RepeatedMocha>();

/** The title of the first test of `file` that fails, or undefined. Loads the file on first use, which must be while no table is broken. */
async function firstFailure(file: string): Promise<string | undefined> {
  const known = loaded.get(file);
  if (known !== undefined) return await failureOf(known);
  const mocha = new RepeatedMocha(file);
  loaded.set(file, mocha);
  const first = await failureOf(mocha);
  const second = await failureOf(mocha);
  // A test that leaves something behind would seem to catch whatever is broken next.
  if (first === undefined && second !== undefined) throw new Error(`${file} cannot be run twice: ${second}`);
  return first;
}

function failureOf(mocha: RepeatedMocha): Promise<string | undefined> {
  return new Promise((resolve) => {
    let caughtBy: string | undefined;
    mocha.run(() => {
      resolve(caughtBy);
    }).on('fail', (test: Mocha.Runnable) => {
      caughtBy ??= test.fullTitle();
    });
  });
}

/** Unit tests of folders or single files under test/, run in this process over the tables as they stand. */
export function unitGuard(...places: readonly string[]): Guard {
  const files = new PromisingFirst(places.flatMap(testsOf));
  return {
    name: `unit tests ${places.join(' ')}`,
    run: () => files.firstCatch(firstFailure),
  };
}

function testsOf(place: string): string[] {
  const path = join(projectRoot, 'test', place);
  if (path.endsWith('.ts')) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts')).map((file) => join(path, file));
}

const vectors = ['native-bochs', 'native-qemu', 'ept-bochs', 'npt-qemu'] as const;
const texts = new Map<string, string>();

/** The conformance vectors; `stride`: every so-many-th line. */
export function conformanceGuard(stride: number): Guard {
  const files = new PromisingFirst(vectors);
  return {
    name: 'conformance',
    run: () => files.firstCatch(async (name) => {
      await Promise.resolve();
      const text = texts.get(name) ?? readVectors(join(projectRoot, 'test', 'conformance', `${name}.jsonl.gz`));
      texts.set(name, text);
      const lines = text.split('\n').filter((_, index) => index % stride === 0);
      try {
        return conformText(name, lines.join('\n')).failed > 0 ? name : undefined;
      } catch (error) {
        return saying(name, error);
      }
    }),
  };
}
