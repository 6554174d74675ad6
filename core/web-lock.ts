/**
 * Resolves once this realm holds the lock, which it then keeps for as long as it lives: the browser releases it when
 * the realm dies, however it dies. https://w3c.github.io/web-locks/
 */
export function holdLock(name: string): Promise<void> {
  return new Promise((held, failed) => {
    navigator.locks
      .request(name, () => {
        held();
        return new Promise<never>(() => {});
      })
      .catch(failed);
  });
}
