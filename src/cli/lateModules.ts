import type { chartPage, chartPicture } from './charts/chartFiles';
import type { serveLanguageOnStdio } from '../lsp/stdio';
import type { JunitReporter } from './reporters/junitReporter';

/** Modules that bring a large library along: loaded when they are first asked for, since most commands never do. */
export interface LateModules {
  charts(): Promise<{ readonly chartPage: typeof chartPage; readonly chartPicture: typeof chartPicture }>;
  junit(): Promise<{ readonly JunitReporter: typeof JunitReporter }>;
  language(): Promise<{ readonly serveLanguageOnStdio: typeof serveLanguageOnStdio }>;
}

/** In the bundle these are functions of it that have not run yet. */
export const lateModules: LateModules = {
  charts: () => import('./charts/chartFiles'),
  junit: () => import('./reporters/junitReporter'),
  language: () => import('../lsp/stdio'),
};
