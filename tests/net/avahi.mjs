// Avahi on a pretended machine, with a D-Bus of its own, and its tools.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { tempDir, waitUntil } from '../live/lib.mjs';

const bus = (socket) => `<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=${socket}</listen>
<auth>EXTERNAL</auth><policy context="default"><allow user="*"/>
<allow own="*"/><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/></policy></busconfig>
`;

const conf = (name) => `[server]
host-name=${name}
use-ipv4=yes
use-ipv6=yes
disallow-other-stacks=no
[publish]
publish-workstation=no
[rlimits]
`;

export class Avahi {
  static async start(host) {
    const a = new Avahi();
    const dir = tempDir();
    const socket = path.join(dir, 'bus');
    a.host = host;
    fs.writeFileSync(path.join(dir, 'bus.conf'), bus(socket));
    fs.writeFileSync(path.join(dir, 'avahi.conf'), conf(`${host.name}-avahi`));
    a.env = { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${socket}`,
      LC_ALL: 'C.UTF-8' };
    a.bus = host.exec('dbus-daemon', ['--nofork', '--nopidfile',
      `--config-file=${dir}/bus.conf`], { env: a.env });
    await waitUntil(() => fs.existsSync(socket), 'the bus');
    // Its pid file and socket are in /run, which every host has for itself.
    a.daemon = host.exec('sh', ['-ec', 'mount -t tmpfs none /run; exec '
      + `avahi-daemon -f ${dir}/avahi.conf --no-drop-root --no-chroot `
      + '--no-proc-title --no-rlimits'], { env: a.env });
    await a.daemon.err.until((l) => /Server startup complete/.test(l),
      'avahi-daemon', 20000);
    return a;
  }

  /** Services of a type, resolved: [{ dev, family, name, host, ... }]. */
  async browse(type) {
    const r = await this.host.run('avahi-browse', ['-rtp', type],
      { env: this.env });
    assert.equal(r.code, 0, r.err);
    return r.out.split('\n').filter((l) => l.startsWith('=')).map((l) => {
      const [, dev, family, name, kind, domain, target, address, port, txt]
        = l.split(';');
      return { dev, family, name, kind, domain, target, address,
        port: Number(port), txt };
    });
  }

  /** Publishes a service until its program is stopped. */
  async publish(name, type, port) {
    const p = this.host.exec('avahi-publish', ['-s', name, type, String(port)],
      { env: this.env });
    await p.err.until((l) => /Established under name/.test(l),
      'avahi-publish', 20000);
    return p;
  }

  /** Nothing it said speaks of trouble. */
  check() {
    assert.equal(this.daemon.child.exitCode, null, this.daemon.stderr);
    assert.doesNotMatch(this.daemon.stderr, /conflict|invalid|malformed/i);
  }
}
