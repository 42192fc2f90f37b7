import { EmptyFileSystem, createDefaultCoreModule, createDefaultSharedCoreModule, inject } from 'langium';
import type { LangiumCoreServices, LangiumParser, Module, PartialLangiumCoreServices } from 'langium';
import { GuestGeneratedModule, GuestGeneratedSharedModule } from '../generated/module';
import { GuestLexer, GuestLexerMessages } from './guestLexer';
import { GuestParserMessages } from './parserMessages';

/** The parser that Langium makes from the grammar, and the lexer it reads from. */
export interface GuestParser {
  readonly parser: LangiumParser;
  readonly lexer: GuestLexer;
  readonly messages: GuestParserMessages;
}

const messages = new GuestParserMessages();

const guestModule: Module<LangiumCoreServices, PartialLangiumCoreServices> = {
  parser: {
    // `recover` goes on behind a mistake; the parser's own way of it would cost milliseconds each, and its result is not used.
    ParserConfig: () => ({ recoveryEnabled: false }),
    Lexer: (services) => new GuestLexer(services),
    LexerErrorMessageProvider: () => new GuestLexerMessages(),
    ParserErrorMessageProvider: () => messages,
  },
};

let made: GuestParser | undefined;

/** Made once: building the look-ahead takes longer than parsing most scenarios. */
export function guestParser(): GuestParser {
  if (made !== undefined) return made;
  const shared = inject(createDefaultSharedCoreModule(EmptyFileSystem), GuestGeneratedSharedModule);
  const services = inject(createDefaultCoreModule({ shared }), GuestGeneratedModule, guestModule);
  const lexer = services.parser.Lexer;
  if (!(lexer instanceof GuestLexer)) throw new Error('invariant: the parser reads from another lexer');
  made = { parser: services.parser.LangiumParser, lexer, messages };
  return made;
}
