// A failure whose message is all that the reader needs: one line, no stack.

export class LaunchError extends Error {
  /**
   * @param {string} message one line that says what to do
   * @param {number} [exitCode]
   */
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
