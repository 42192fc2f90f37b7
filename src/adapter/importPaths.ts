import { isUri, sourceKey } from './client';

/**
 * The paths of the files that one compilation reads: the scenario as it was named, every import beside the file that
 * imports it. However a file is spelled (`lib.guest`, `./lib.guest`, `../here/lib.guest`), it has one path.
 */
export class ImportPaths {
  private readonly known = new Map<string, string>();

  constructor(scenario: string) {
    this.known.set(sourceKey(scenario), scenario);
  }

  /** Path of what the file at `importer` calls `name`. */
  resolve(name: string, importer: string): string {
    const path = besideFile(importer, name);
    const key = sourceKey(path);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    this.known.set(key, path);
    return path;
  }
}

/** `name` beside the file `importer`, written as `importer` is: a path or a URI. An absolute name stays itself. */
export function besideFile(importer: string, name: string): string {
  if (isUri(name) || /^[a-z]:[\\/]/i.test(name)) return name;
  const isInUri = isUri(importer);
  const isRooted = /^[\\/]/.test(name);
  if (isRooted && !isInUri) return name;
  const separator = !isInUri && importer.includes('\\') && !importer.includes('/') ? '\\' : '/';
  const steps = name.split(/[\\/]/).filter((step) => step !== '' && step !== '.');
  const last = steps.pop() ?? '';
  let folder = isRooted ? rootOf(importer) : importer.replace(/[^\\/]*$/, '');
  const written = (step: string): string => (isInUri ? encodeURIComponent(step) : step);
  for (const step of steps) folder = step === '..' ? folderAbove(folder, separator) : `${folder}${written(step)}${separator}`;
  return `${folder}${written(last)}`;
}

/** `folder` is empty (the current one) or ends with a separator; so does what is given. */
function folderAbove(folder: string, separator: string): string {
  if (folder === '' || /^\.[\\/]$/.test(folder)) return `..${separator}`;
  if (/(^|[\\/])\.\.[\\/]$/.test(folder)) return `${folder}..${separator}`;
  if (folder === rootOf(folder)) return folder;
  return folder.replace(/[^\\/]*[\\/]$/, '');
}

/** `/`, `C:\` or `scheme://authority/` of an absolute path or URI; empty for a relative path. */
function rootOf(path: string): string {
  return /^(?:[a-z][a-z0-9+.-]+:\/\/[^/]*\/|[a-z]:[\\/]|[\\/])/i.exec(path)?.[0] ?? '';
}
