"""What runs inside Redis: reading records, and writing others in their place where nobody has changed them meanwhile.

Numbers of a state never are numbers here, which Lua has as floats: records are bytes that are compared and put. The keys of both
scripts begin with that of the generation in use and that of the lock; arguments, with the generation that is expected.
"""

from __future__ import annotations

from fusionguard.features.online.redis_server import Script

REPLACED, HELD, CHANGED, WRITTEN = b"replaced", b"held", b"changed", b"written"
"""What the scripts answer first."""

READ = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'replaced'} end
local found = {'written'}
for i = 3, #KEYS do found[i - 1] = redis.call('GET', KEYS[i]) or '' end
return found
""")

WRITE = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'replaced'} end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[2] then return {'held'} end
local checked, written = tonumber(ARGV[3]), tonumber(ARGV[4])
for i = 1, checked do
  if redis.call('GETRANGE', KEYS[3 + i], 0, 7) ~= ARGV[4 + i] then
    local found = {'changed'}
    for j = 1, checked do found[j + 1] = redis.call('GET', KEYS[3 + j]) or '' end
    return found
  end
end
for i = 1, written do
  local content = ARGV[4 + checked + i]
  if content == '' then redis.call('DEL', KEYS[3 + i]) else redis.call('SET', KEYS[3 + i], content) end
end
for i = 5 + checked + written, #ARGV, 2 do redis.call('HINCRBY', KEYS[3], ARGV[i], ARGV[i + 1]) end
if holder then redis.call('DEL', KEYS[2]) end
return {'written'}
""")
"""The third key is that of the facts; of the others, those to be written come first. Arguments: the generation, the lock's token,
how many keys are checked and how many of these are written, the tokens of the former, what is put at the latter (nothing
deletes), and what is added to which count."""
