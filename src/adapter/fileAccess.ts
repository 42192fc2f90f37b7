/** How a session reads scenarios: the extension reads through VS Code, the command through Node. */
export interface FileAccess {
  /** Text of the file at an absolute path or a URI, exactly as the client named it; undefined when it cannot be read. */
  readText(pathOrUri: string): Promise<string | undefined>;
}
