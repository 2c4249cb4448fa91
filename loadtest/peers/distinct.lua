-- For wrk: reads PREFIX .. FIRST, then the object after it, and so on; none is read twice.
local prefix, id

function init(args)
   prefix, id = args[1], tonumber(args[2])
end

function request()
   id = id + 1
   return wrk.format("GET", prefix .. id - 1)
end
