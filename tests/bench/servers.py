"""The servers that are compared: how each is started, watched and stopped.

To compare another one, add it to SERVERS: the protocol of wsload, the command,
its paths where they are not /c<number>, its configuration file if it has one.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.abspath(os.environ.get('BENCH_DIR', ROOT + '/build/bench'))
SERVER_CPU, CLIENT_CPU = '0', '1'
NETNS = 'nwsd-bench'    # for servers that listen on every address

LIMIT = dict(proto='raw')
NWSD = dict(
    config=(HERE + '/nwsd.conf.in', 'nwsd.conf'), ready=r'\bready\b',
    cmd=[os.environ.get('NWSD', ROOT + '/build/nwsd'), '-d',
         '-f', '{dir}/nwsd.conf'],
    version=['{0}', '-V'])
NODE = dict(proto='raw', env={'NODE_PATH': WORK + '/node/node_modules'},
            needs=WORK + '/node/node_modules/ws',
            version=['node', '-p', '"node " + process.version + '
                     '", ws " + require("ws/package.json").version'])

SERVERS = {
    'nwsd': dict(NWSD, proto='nws', what='JSON messages'),
    'nwsd-binary': dict(NWSD, proto='nws-binary', what='nws.binary.v1'),
    'nats': dict(
        proto='nats', config=(HERE + '/peers/nats.conf.in', 'nats.conf'),
        cmd=['nats-server', '-c', '{dir}/nats.conf'],
        version=['nats-server', '--version']),
    'nchan': dict(
        proto='nchan', config=(HERE + '/peers/nginx.conf.in', 'nginx.conf'),
        cmd=['nginx', '-c', '{dir}/nginx.conf', '-e', '{dir}/error.log'],
        needs='/usr/lib/nginx/modules/ngx_nchan_module.so',
        paths={'fanout': ['--pub-path', '/pub/c%', '--sub-path', '/sub/c%'],
               'pingpong': ['--pub-path', '/a/c%', '--sub-path', '/b/c%']},
        version=['dpkg-query', '-W', '-f', '${Package} ${Version}',
                 'libnginx-mod-nchan']),
    # This version ignores the address it should listen at.
    'mosquitto': dict(
        proto='mqtt', netns=True,
        config=(HERE + '/peers/mosquitto.conf.in', 'mosquitto.conf'),
        cmd=['mosquitto', '-c', '{dir}/mosquitto.conf'],
        version=['dpkg-query', '-W', '-f', '${Package} ${Version}',
                 'mosquitto']),
    'node-ws': dict(NODE, cmd=['node', HERE + '/peers/ws-broadcast.js',
                               '{port}']),
    'node-ws-cork': dict(NODE, cmd=['node', HERE + '/peers/ws-broadcast.js',
                                    '{port}', 'cork']),
    'limit-each': dict(LIMIT, cmd=[WORK + '/bin/limit', '{port}', 'each']),
    'limit-batch': dict(LIMIT, cmd=[WORK + '/bin/limit', '{port}', 'batch']),
}
OURS = ('nwsd', 'nwsd-binary')
LIMITS = ('limit-each', 'limit-batch')
RIVALS = [s for s in SERVERS if s not in OURS + LIMITS]


def missing(name):
    """What keeps this server from being started, or None."""
    spec = SERVERS[name]
    if shutil.which(spec['cmd'][0]) is None:
        return spec['cmd'][0]
    if 'needs' in spec and not os.path.exists(spec['needs']):
        return spec['needs']
    if spec.get('netns') and os.geteuid() != 0:
        return 'root, for a network namespace of its own'
    return None


def version(name):
    """One line that says what exactly was measured."""
    spec = SERVERS[name]
    if 'version' not in spec:
        return None
    cmd = [a.replace('{0}', spec['cmd'][0]) for a in spec['version']]
    try:
        out = subprocess.run(cmd, capture_output=True, text=True, timeout=10,
                             env={**os.environ, **spec.get('env', {})})
    except (OSError, subprocess.TimeoutExpired):
        return None
    text = (out.stdout + out.stderr).strip()
    return text.splitlines()[0] if text else None


def free_port():
    """A port below the range of client ports, so that none is in the way."""
    while True:
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            port = 10000 + s.getsockname()[1] % 20000
        with socket.socket() as s:
            try:
                s.bind(('127.0.0.1', port))
                return port
            except OSError:
                pass


def process_tree(pid):
    """pid and its descendants."""
    out = [pid]
    for p in out:
        try:
            for t in os.listdir('/proc/%d/task' % p):
                with open('/proc/%d/task/%s/children' % (p, t)) as f:
                    out += [int(c) for c in f.read().split()]
        except OSError:
            pass
    return out


def memory(pids):
    """Sums of what the processes hold, in KiB."""
    total = {'Rss': 0, 'Pss': 0, 'Private_Dirty': 0}
    for p in pids:
        try:
            with open('/proc/%d/smaps_rollup' % p) as f:
                for line in f:
                    key = line.split(':')[0]
                    if key in total:
                        total[key] += int(line.split()[1])
        except OSError:
            pass
    return total


def listening(pid, port):
    """Whether anything in the network namespace of pid listens at port."""
    for name in ('tcp', 'tcp6'):
        try:
            with open('/proc/%d/net/%s' % (pid, name)) as f:
                for line in f:
                    field = line.split()
                    if field[1].endswith(':%04X' % port) and field[3] == '0A':
                        return True
        except OSError:
            pass
    return False


class Server:
    """A running server, in a folder of its own."""

    def __init__(self, name, wrapper=()):
        self.name, self.spec = name, SERVERS[name]
        self.port = free_port()
        self.dir = '%s/run/%s' % (WORK, name)
        self.log = self.dir + '/log'
        os.makedirs(self.dir + '/empty', exist_ok=True)
        self.values = dict(port=str(self.port), port2=str(free_port()),
                           dir=self.dir, as_root='')
        if os.geteuid() == 0:
            self.values['as_root'] = self.fill(
                'user nobody\nchroot "{dir}/empty"')
        if 'config' in self.spec:
            template, file = self.spec['config']
            with open(template) as f, \
                    open(self.dir + '/' + file, 'w') as out:
                out.write(self.fill(f.read()))
        self.prefix = self.namespace() if self.spec.get('netns') else []
        cmd = self.prefix + ['taskset', '-c', SERVER_CPU] + list(wrapper) + \
            [self.fill(a) for a in self.spec['cmd']]
        with open(self.log, 'w') as log:
            self.process = subprocess.Popen(
                cmd, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **self.spec.get('env', {})}, cwd=WORK)
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        self.pids = process_tree(self.process.pid)

    def fill(self, text):
        for key, value in self.values.items():
            text = text.replace('{%s}' % key, value)
        return text

    @staticmethod
    def namespace():
        if not os.path.exists('/run/netns/' + NETNS):
            subprocess.check_call(['ip', 'netns', 'add', NETNS])
            subprocess.check_call(
                ['ip', '-n', NETNS, 'link', 'set', 'lo', 'up'])
        return ['ip', 'netns', 'exec', NETNS]

    def is_ready(self):
        if 'ready' not in self.spec:
            return listening(self.process.pid, self.port)
        with open(self.log) as f:
            return re.search(self.spec['ready'], f.read()) is not None

    def wait_ready(self):
        end = time.time() + 30
        while time.time() < end:
            if self.process.poll() is not None:
                raise RuntimeError('%s exited, see %s' % (self.name, self.log))
            if self.is_ready():
                time.sleep(0.1)     # children that start after listen()
                return
            time.sleep(0.05)
        raise RuntimeError('%s is not ready, see %s' % (self.name, self.log))

    def stop(self):
        pids = process_tree(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        for p in pids:
            try:
                os.kill(p, signal.SIGKILL)
            except OSError:
                pass
        self.process.wait()
