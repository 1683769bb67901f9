"""What is measured: arguments of wsload, by name.

A name is kind-receivers-bytes.  Kinds: fan, many broadcasts in flight; burst,
very many; one, one broadcast at a time; many, a hundred channels at once;
rate, 50,000 deliveries each second; pingpong, channels of two; idle, open
connections and nothing else; link and linkone, through two servers that are
joined by an encrypted connection, in bulk and one at a time.
"""

# Broadcasts in flight.  More than 32 would be unfair to servers that collect
# at most so many before they send.
WINDOW = {32: 32, 1024: 32, 16384: 8}

SCENARIOS = {}


def _add(name, **options):
    args = []
    for key, value in options.items():
        args += ['--' + key, str(value)]
    SCENARIOS[name] = args


for _subs in (10, 100, 1000, 5000):
    for _size in WINDOW:
        _add('fan-%d-%d' % (_subs, _size), subs=_subs, size=_size,
             window=WINDOW[_size] // (2 if _subs == 5000 else 1))
_add('burst-100-32', subs=100, size=32, window=256)
for _subs, _size in ((10, 32), (100, 32), (1000, 32), (1000, 1024),
                     (1000, 16384), (5000, 32)):
    _add('one-%d-%d' % (_subs, _size), subs=_subs, size=_size, window=1)
_add('many-10-32', channels=100, subs=10, size=32, window=4)
_add('rate-10-32', subs=10, size=32, rate=5000)
_add('rate-100-1024', subs=100, size=1024, rate=500)
_add('rate-1000-32', subs=1000, size=32, rate=50)
# wsload does not sleep, so that its own waking up is no part of the latency.
for _name in SCENARIOS:
    if _name.startswith('rate-'):
        SCENARIOS[_name].append('--spin')
# The receivers wait longer for silence: the servers have to find out that both
# have the channel.
for _subs in (1, 10):
    _add('link-%d-16384' % _subs, subs=_subs, size=16384, window=8, settle=2)
_add('linkone-1-32', subs=1, size=32, window=1, settle=2)
_add('pingpong-1', scenario='pingpong', channels=1)
_add('pingpong-1000', scenario='pingpong', channels=1000)
_add('idle-10000', scenario='idle', channels=5000, subs=2)

QUICK = ('fan-100-32,fan-1000-1024,fan-1000-16384,one-100-32,one-1000-32,'
         'rate-100-1024,pingpong-1000,link-1-16384,link-10-16384,'
         'linkone-1-32,idle-10000')


def needs_link(name):
    return kind_of(name).startswith('link')


def kind_of(name):
    return name.split('-')[0]
